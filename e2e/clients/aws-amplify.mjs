// The entry point of aws-amplify, for a bundle: the package itself would install the SDKs
// of AppSync, S3 and others. aws-amplify's initSingleton.ts gives these two options as well.
import { Amplify as Core } from "@aws-amplify/core";
import { cognitoCredentialsProvider, cognitoUserPoolsTokenProvider } from "@aws-amplify/auth/cognito";

export const Amplify = {
  configure(resources) {
    cognitoUserPoolsTokenProvider.setAuthConfig(resources.Auth);
    Core.configure(resources, { Auth: { tokenProvider: cognitoUserPoolsTokenProvider, credentialsProvider: cognitoCredentialsProvider } });
  },
};

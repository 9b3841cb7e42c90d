package repository

// CognitoTriggers are the command folders of the functions that Cognito calls.
var CognitoTriggers = []string{"presignup", "preauthentication", "postauthentication", "postconfirmation"}

// FunctionType is the resource type of a function in a template.
const FunctionType = "AWS::Serverless::Function"

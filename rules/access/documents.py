"""Prints every policy document of templates as JSON, with their functions resolved.

python documents.py REPOSITORY TEMPLATE... runs in the virtualenv of cfn-lint, whose
SAM transformation adds the roles that SAM generates. A reference in a document
becomes an example ARN of the right type, because a linter of policies needs ARNs.
"""

import json
import os
import re
import sys

from cfnlint.decode.cfn_yaml import load
from cfnlint.template import Template
from cfnlint.template.transforms._sam import Transform

REGION, ACCOUNT = "us-east-1", "123456789012"
NOTHING = object()

PSEUDO = {
    "AWS::AccountId": ACCOUNT, "AWS::NoValue": NOTHING, "AWS::Partition": "aws",
    "AWS::Region": REGION, "AWS::StackName": "example", "AWS::URLSuffix": "amazonaws.com",
}

# The ARN of a resource by its type, and by how the name of a parameter, of an output
# or of an SSM parameter ends; the first that fits.
TYPES = {
    "AWS::ApiGateway::RestApi": "apigateway", "AWS::CodeBuild::Project": "codebuild", "AWS::Cognito::IdentityPool": "cognito-identity",
    "AWS::Cognito::UserPool": "cognito-idp", "AWS::DynamoDB::Table": "dynamodb", "AWS::Events::EventBus": "events", "AWS::Events::Rule": "rule",
    "AWS::IAM::ManagedPolicy": "policy", "AWS::IAM::Role": "role", "AWS::KMS::Key": "kms", "AWS::Lambda::Alias": "lambda",
    "AWS::Lambda::Function": "lambda", "AWS::Logs::LogGroup": "logs", "AWS::S3::Bucket": "s3", "AWS::SNS::Topic": "sns", "AWS::SQS::Queue": "sqs",
    "AWS::CodeConnections::Connection": "codeconnections", "AWS::CodePipeline::Pipeline": "codepipeline",
}
ARNS = {
    "apigateway": f"arn:aws:apigateway:{REGION}::/restapis/example",
    "codebuild": f"arn:aws:codebuild:{REGION}:{ACCOUNT}:project/example",
    "codeconnections": f"arn:aws:codeconnections:{REGION}:{ACCOUNT}:connection/11111111-2222-3333-4444-555555555555",
    "codepipeline": f"arn:aws:codepipeline:{REGION}:{ACCOUNT}:example",
    "cognito-identity": f"arn:aws:cognito-identity:{REGION}:{ACCOUNT}:identitypool/{REGION}:example",
    "cognito-idp": f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{REGION}_example",
    "dynamodb": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/example",
    "events": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/example",
    "kms": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/11111111-2222-3333-4444-555555555555",
    "lambda": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:example",
    "logs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:example:*",
    "policy": f"arn:aws:iam::{ACCOUNT}:policy/example",
    "rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/example",
    "role": f"arn:aws:iam::{ACCOUNT}:role/example",
    "rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/example",
    "s3": "arn:aws:s3:::example",
    "sns": f"arn:aws:sns:{REGION}:{ACCOUNT}:example",
    "ses": f"arn:aws:ses:{REGION}:{ACCOUNT}:identity/example.com",
    "sqs": f"arn:aws:sqs:{REGION}:{ACCOUNT}:example",
}
ENDINGS = [
    ("connection-?arn", "codeconnections"), ("key-?arn", "kms"), ("bucket-?arn", "s3"), ("topic-?arn", "sns"), ("(queue|outbox|dlq)-?arn", "sqs"),
    ("table-?arn", "dynamodb"), ("identity-?arn", "ses"), ("pool-?arn", "cognito-idp"), ("(role-?arn|operatorarns?)", "role"), ("boundary-?arn", "policy"), ("bus-?arn", "events"),
    ("(function|activity|presignup|authentication|postconfirmation)-?arn", "lambda"),
]


class Unknown(Exception):
    """Something in a policy that this program cannot resolve."""


def by_name(name):
    """An example for a value of which only the name is known."""
    for ending, arn in ENDINGS:
        if re.search(ending + "$", name, re.IGNORECASE):
            return ARNS[arn]
    if re.search("arn$", name, re.IGNORECASE):
        raise Unknown(f"{name} is the ARN of an unknown type; add it to ENDINGS")
    return "example"


class Resolver:
    """Resolves the functions of one template."""

    def __init__(self, template):
        self.parameters = template.get("Parameters", {})
        self.resources = template.get("Resources", {})

    def ref(self, name):
        if name in PSEUDO:
            return PSEUDO[name]
        if name in self.resources:
            kind = self.resources[name].get("Type")
            return ARNS[TYPES[kind]] if kind in ("AWS::SNS::Topic", "AWS::IAM::ManagedPolicy", "AWS::Lambda::Alias") else "example"
        parameter = self.parameters.get(name, {})
        if re.search("account", name, re.IGNORECASE):
            return ACCOUNT
        known = parameter.get("AllowedValues") or [parameter.get("Default")]
        value = next((str(v) for v in known if v not in (None, "")), None)
        return value if value is not None else by_name(name)

    def att(self, path):
        name, _, attribute = (path if isinstance(path, str) else ".".join(path)).partition(".")
        kind = self.resources.get(name, {}).get("Type")
        if kind == "AWS::CloudFormation::Stack":
            return by_name(attribute)
        if attribute in ("Arn", "TopicArn", "PolicyArn"):
            if kind not in TYPES:
                raise Unknown(f"the form of the ARN of a {kind} is unknown; add it to TYPES")
            return ARNS[TYPES[kind]]
        return "example"

    def sub(self, value):
        text, given = (value, {}) if isinstance(value, str) else value
        given = {k: self.value(v) for k, v in given.items()}

        def put(match):
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            found = given[name] if name in given else self.att(name) if "." in name else self.ref(name)
            return str(found[0] if isinstance(found, list) else found)

        return self.text(re.sub(r"\$\{([^}]+)\}", put, text))

    def text(self, value):
        """The text with SSM names resolved."""
        return re.sub(r"\{\{resolve:ssm:([^}]+)\}\}", lambda m: by_name(m[1]), value)

    def value(self, node):
        """The value without functions; both branches of an If, as a list, because both are deployed somewhere."""
        if isinstance(node, str):
            return self.text(node)
        if isinstance(node, list):
            out = []
            for item in node:
                one = self.value(item)
                if one is not NOTHING:
                    out.extend(one) if isinstance(one, Both) else out.append(one)
            return out
        if not isinstance(node, dict):
            return node
        if len(node) == 1:
            (name, given), = node.items()
            found = self.function(name, given)
            if found is not None:
                return found
        return {k: v for k, v in ((k, self.value(v)) for k, v in node.items()) if v is not NOTHING}

    def function(self, name, given):
        if name == "Ref":
            return self.ref(given)
        if name == "Fn::GetAtt":
            return self.att(given)
        if name == "Fn::Sub":
            return self.sub(given)
        if name == "Fn::If":
            branches = [b for b in (self.value(given[1]), self.value(given[2])) if b is not NOTHING]
            if len(branches) == 1 and not isinstance(branches[0], list):
                return branches[0]
            return Both(x for b in branches for x in (b if isinstance(b, list) else [b]))
        if name == "Fn::Join":
            return given[0].join(str(x) for x in self.value(given[1])) if isinstance(given[1], list) else str(self.value(given[1]))
        if name == "Fn::Split":
            return str(self.value(given[1])).split(given[0])
        if name == "Fn::Select":
            return self.value(given[1])[int(given[0])]
        if name.startswith("Fn::"):
            raise Unknown(f"{name} in a policy")
        return None


class Both(list):
    """The values of both branches of an If."""


def documents(node, path=()):
    """Every policy document below a node, with where it is."""
    if isinstance(node, dict):
        if "Statement" in node and "Priority" not in node:  # that is a rule of a web ACL
            yield "/".join(path), node
            return
        for name, value in node.items():
            yield from documents(value, (*path, str(name)))
    elif isinstance(node, list):
        for at, value in enumerate(node):
            yield from documents(value, (*path, str(at)))


def plain(node):
    """The node without cfn-lint's own classes of texts."""
    return json.loads(json.dumps(node, default=str))


def main(root, paths):
    found = []
    for path in paths:
        template = load(os.path.join(root, path))
        if template.get("Transform"):
            transform = Transform(os.path.join(root, path), template, REGION)
            if matches := transform.transform_template():
                raise SystemExit(f"{path}: {matches}")
            template = transform.template()
        template = plain(template)
        resolver = Resolver(template)
        for name, resource in template.get("Resources", {}).items():
            for where, document in documents(resource.get("Properties", {})):
                try:
                    document = resolver.value(document)
                except Unknown as error:
                    raise SystemExit(f"{path}: {name}: {error}") from None
                found.append({"template": path, "resource": name, "type": resource["Type"], "at": where, "document": document})
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

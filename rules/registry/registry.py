"""Says what templates consist of and what making that needs, for the Go rules.

For each template on the command line: its resource types after SAM's own transform,
and of its roles the managed policies and the services that may take them. For all
of these types: what AWS's registry says that each handler needs, from the schemas
that cfn-lint carries (https://schema.cloudformation.us-east-1.amazonaws.com).
"""

import importlib.util
import json
import logging
import os
import pathlib
import sys

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# Found and not imported, which would take seconds.
SCHEMAS = pathlib.Path(importlib.util.find_spec("cfnlint").origin).parent / "data" / "schemas"


class NoManagedPolicies:
    """The names of AWS's managed policies, which no template here uses by name."""

    def load(self):
        return {}


def parameters(template):
    """A value for each parameter, so that everything is made that ever is."""
    values = {}
    for name, spec in template.get("Parameters", {}).items():
        values[name] = spec.get("AllowedValues", [spec.get("Default", "x")])[0]
    return values | {"GradualDeployment": "true", "OnAws": "true"}


def processed(path):
    """The template as CloudFormation gets it."""
    template = yaml_parse(path.read_text())
    if "Transform" not in template:
        return template
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code"
    return transform(template, parameters(template), NoManagedPolicies())


def listed(value):
    return value if isinstance(value, list) else [value]


def text(value):
    """An ARN as the templates' own notation has it."""
    return value.get("Fn::Sub", "") if isinstance(value, dict) else value


def trusted(role):
    """The services that may take a role."""
    for statement in role["AssumeRolePolicyDocument"]["Statement"]:
        principal = statement["Principal"]
        yield from listed(principal.get("Service", []) or principal.get("Federated", []))


def describe(template):
    resources = template["Resources"].values()
    roles = [r["Properties"] for r in resources if r["Type"] == "AWS::IAM::Role"]
    return {
        "types": sorted({r["Type"] for r in resources}),
        "policies": sorted({text(arn) for role in roles for arn in role.get("ManagedPolicyArns", [])}),
        "trusted": sorted({service for role in roles for service in trusted(role)}),
    }


def handlers(types):
    """What each handler of the types needs; a type without handlers has none."""
    files = json.loads((SCHEMAS / "providers" / "us-east-1.json").read_text())
    out = {}
    for name in types:
        schema = json.loads((SCHEMAS / "resources" / (files[name] + ".json")).read_text())
        out[name] = {on: handler["permissions"] for on, handler in schema.get("handlers", {}).items()}
    return out


def main(paths):
    logging.disable(logging.CRITICAL)
    os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    templates = {path: describe(processed(pathlib.Path(path))) for path in paths}
    types = {name for template in templates.values() for name in template["types"]}
    json.dump({"templates": templates, "handlers": handlers(types)}, sys.stdout)


main(sys.argv[1:])

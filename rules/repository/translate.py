"""Translates SAM templates to what CloudFormation gets.

It runs SAM's translator, so that a rule sees the roles and the deployment groups
that SAM generates. Reads a JSON list of {"template": text, "parameters": {name: value},
"code": where the functions' code is} and writes the list of results.
"""

import json
import logging
import sys

from samcli.yamlhelper import yaml_parse
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator


def translate(text, parameters, code):
    template = yaml_parse(text)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = code or "s3://bucket/key"  # `sam package` puts it there
    return Translator({}, Parser()).translate(template, parameters)


logging.disable(logging.WARNING)
json.dump([translate(one["template"], one["parameters"], one["code"]) for one in json.load(sys.stdin)], sys.stdout)

"""Makes identity providers of stacks, and says what cannot be linked.

Gap: the emulator's CloudFormation lacks AWS::Cognito::UserPoolIdentityProvider, and
AdminLinkProviderForUser has another error for a person who has signed in before. Delete
this file when it has both right.

The replacing properties are those of the type's reference. The error was reported from a
real pool (aws/aws-sdk-net#1000). What Ref returns is not documented; here it is the name.
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import cognito
from ministack.services.cloudformation import provisioners

TYPE = "AWS::Cognito::UserPoolIdentityProvider"
REPLACING = ("ProviderName", "ProviderType", "UserPoolId")
MERGING = "Merging is not currently supported, provide a SourceUser that has not been signed up in order to link"


def done(answer):
    """Raises the error of an answer, which fails the resource."""
    status, _, body = answer
    if status >= 400:
        raise ValueError(f"{TYPE}: {json.loads(body).get('message')}")


def create(logical_id, props, stack_name):
    done(cognito._create_identity_provider(props))
    return props["ProviderName"], {}


def update(physical_id, old, new, stack_name):
    if any(old.get(name) != new.get(name) for name in REPLACING):
        made = create("", new, stack_name)
        delete(physical_id, old)
        return made
    done(cognito._update_identity_provider(new))
    return physical_id, {}


def delete(physical_id, props):
    cognito._delete_identity_provider({"UserPoolId": props.get("UserPoolId"), "ProviderName": physical_id})


def linking(link):
    """AdminLinkProviderForUser, which never merges two users."""

    def run(data):
        status, out, body = link(data)
        if status == 400 and json.loads(body).get("message", "").startswith("This user already exists in the user pool."):
            return error_response_json("InvalidParameterException", MERGING, 400)
        return status, out, body

    return run


def install():
    """Changes the emulator in this process."""
    provisioners._RESOURCE_HANDLERS[TYPE] = {"create": create, "update": update, "delete": delete}
    provisioners._REPLACING_PROPERTIES[TYPE] = REPLACING
    cognito._admin_link_provider_for_user = linking(cognito._admin_link_provider_for_user)

"""Lets a nested stack keep what did not change, and resolves its dynamic references.

Gap: when the template of a nested stack changes, the emulator forgets the attributes
of the resources in it that stay as they are. The next !GetAtt on one of them fails,
and the stack ends in UPDATE_ROLLBACK_FAILED. A dynamic reference of a nested stack, such
as {{resolve:secretsmanager:...}}, stays as it is written. Delete this file when the
emulator does both right.
"""

from ministack.services.cloudformation import _stacks, engine, provisioners


def resolved(properties):
    """The properties without dynamic references. Those of other stacks have none any more."""
    return engine._resolve_dynamic_references(properties)[0]


def resolving(provision):
    """_provision_resource, which gets resolved properties."""

    def run(kind, logical_id, properties, stack):
        return provision(kind, logical_id, resolved(properties), stack)

    return run


def remembering(update):
    """_update_resource, which takes the attributes of an unchanged resource from the stack."""

    def run(kind, physical_id, old, new, stack, logical_id=None, attributes=None):
        if attributes is None:
            attributes = _stacks.get(stack, {}).get("_resources", {}).get(logical_id, {}).get("Attributes")
        # Without a change CloudFormation does not look a secret up again.
        return update(kind, physical_id, old, new if old == new else resolved(new), stack, logical_id, attributes)

    return run


def install():
    """Changes the emulator in this process."""
    provisioners._provision_resource = resolving(provisioners._provision_resource)
    provisioners._update_resource = remembering(provisioners._update_resource)

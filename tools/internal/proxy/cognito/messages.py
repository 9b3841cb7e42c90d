"""Records the mails that the proxy's triggers have written.

Gap: of the messages that Cognito sends, the emulator lets the trigger CustomMessage write
the invitation only, and it records no mail for a changed address. Package triggers fires
the trigger for the others, and hands over here what came of it. Delete this file when the
emulator fires CustomMessage for all.

RecordMessage is an operation of the proxy's own, with the root key. It withdraws the mail
that the emulator has recorded for a user, and records another one.
"""

from ministack.core.responses import json_response
from ministack.services import cognito, ses

KIND = "CognitoVerificationMessage"


def withdraw(pool_id, address):
    """Removes the newest mail with a code to an address."""
    sent = ses._sent_emails_list()
    for at in range(len(sent) - 1, -1, -1):
        if sent[at].get("Type") == KIND and sent[at].get("UserPoolId") == pool_id and sent[at].get("To") == [address]:
            del sent[at]
            return


def record(data):
    pool = cognito._user_pools[data["UserPoolId"]]
    if data.get("Replace"):
        withdraw(data["UserPoolId"], data["To"])
    if data.get("Withdraw"):
        return json_response({})
    subject, message = cognito._resolve_verification_template(pool)
    filled = [
        cognito._expand_template(text, data["To"], data["Code"])
        for text in (data.get("EmailSubject") or subject, data.get("EmailMessage") or message)
    ]
    cognito._deliver_cognito_email(
        pool, data["To"], *filled, type_name=KIND, extra={"Username": data["Username"], "AttributeName": data.get("AttributeName", "email")}
    )
    return json_response({})


def dispatching(dispatch):
    """The emulator's choice of what answers an action, with RecordMessage."""

    async def run(action, data):
        return record(data) if action == "RecordMessage" else await dispatch(action, data)

    return run


def install():
    cognito._dispatch_idp = dispatching(cognito._dispatch_idp)

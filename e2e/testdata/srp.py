"""Signs in by SRP with pycognito, a client that was not written here, and prints the sub."""

import base64
import json
import os
import sys

from pycognito.aws_srp import AWSSRP

email, password = sys.argv[1:]
tokens = AWSSRP(
    username=email,
    password=password,
    pool_id=os.environ["USER_POOL_ID"],
    client_id=os.environ["NATIVE_CLIENT_ID"],
    pool_region=os.environ["AWS_REGION"],
).authenticate_user()
claims = tokens["AuthenticationResult"]["IdToken"].split(".")[1]
print(json.loads(base64.urlsafe_b64decode(claims + "=="))["sub"])

"""Signs in by SRP with pycognito, a client that was not written here."""

import os
import sys

from pycognito import Cognito

email, password = sys.argv[1:]
user = Cognito(
    os.environ["USER_POOL_ID"],
    os.environ["NATIVE_CLIENT_ID"],
    username=email,
)
user.authenticate(password=password)
print(user.get_user().sub)

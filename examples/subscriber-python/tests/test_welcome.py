"""Tests of the function, with the payloads of events/. Run them in the folder above:

    python3 -m unittest discover -s tests
"""

import contextlib
import io
import json
import pathlib
import sys
import types
import unittest

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "src"))

import welcome  # noqa: E402


def load(name):
    return json.loads((HERE.parent / "events" / name).read_text())


class Welcome(unittest.TestCase):
    def run_batch(self, batch):
        """Returns the ids of the messages that come back, the log and the values of the metric."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            answer = welcome.handler(batch, types.SimpleNamespace(function_name="welcome"))
        lines = [json.loads(line) for line in out.getvalue().splitlines()]
        failed = [one["itemIdentifier"] for one in answer["batchItemFailures"]]
        metrics = [line["EventsFailed"] for line in lines if "_aws" in line]
        return failed, json.dumps([line for line in lines if "_aws" not in line]), metrics

    def run_body(self, body):
        return self.run_batch({"Records": [{"messageId": "m", "body": body}]})

    def test_events(self):
        for file, want in {
            "user-created.json": "here a mail would be sent",
            "signin-succeeded.json": "a sign-in",
        }.items():
            with self.subTest(file):
                failed, log, metrics = self.run_batch(load(file))
                self.assertEqual(failed, [])
                self.assertIn(want, log)
                self.assertEqual(metrics, [])

    def test_one_of_two_is_no_event(self):
        failed, log, metrics = self.run_batch(load("poison.json"))
        self.assertEqual(failed, ["poison"])
        self.assertIn("here a mail would be sent", log)
        self.assertNotIn("secret", log)
        self.assertEqual(metrics, [1])

    def test_bodies(self):
        today = load("user-created.json")["Records"][0]["body"]
        for name, (body, fails, logged) in {
            "later_field": (today.replace('"via": "signup"', '"via": "of-a-later-version", "later": [1]'), False, "here a mail"),
            "later_attribute": (today.replace('"specversion"', '"laterattribute": "x", "specversion"'), False, "here a mail"),
            "another_type": (today.replace("created.v1", "created.v2"), False, "not for this function"),
            "no_id": (today.replace('"id"', '"no"'), True, "not a CloudEvent"),
            "no_data": (today.replace('"data"', '"no"'), True, "KeyError"),
            "data_of_another_kind": (today.replace('{"via": "signup"}', '"text"'), True, "TypeError"),
            "empty": ("", True, "not JSON"),
            "list": ("[]", True, "not a CloudEvent"),
        }.items():
            with self.subTest(name):
                self.assertNotEqual(body, today)
                failed, log, _ = self.run_body(body)
                self.assertEqual(failed, ["m"] if fails else [])
                self.assertIn(logged, log)


if __name__ == "__main__":
    unittest.main()

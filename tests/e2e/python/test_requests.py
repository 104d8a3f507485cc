"""What a request is as a whole: credentials, errors that are not an operation's, retries, many at once."""

import http.client
import json
import unittest
import zlib
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from support import TableCase

SESSION = boto3.Session()


class Credentials(TableCase):
    def code(self, **credentials):
        key = SESSION.get_credentials()
        given = dict(
            aws_access_key_id=key.access_key, aws_secret_access_key=key.secret_key, aws_session_token=key.token
        )
        client = boto3.client("dynamodb", **given | credentials)
        with self.assertRaises(ClientError) as caught:
            client.list_tables()
        return caught.exception.response["Error"]["Code"]

    def test_an_unknown_key_is_refused(self):
        self.assertEqual(self.code(aws_access_key_id="AKIAUNKNOWNUNKNOWN00"), "UnrecognizedClientException")

    def test_a_wrong_secret_is_an_invalid_signature(self):
        self.assertEqual(self.code(aws_secret_access_key="wrong"), "InvalidSignatureException")

    def test_a_made_up_session_token_is_refused(self):
        self.assertEqual(self.code(aws_session_token="made-up"), "UnrecognizedClientException")

    def test_a_request_without_a_signature_is_refused(self):
        status, _, reply = Wire().send(b"{}", sign=False)
        self.assertEqual(status, 400)
        self.assertEqual(
            json.loads(reply)["__type"], "com.amazon.coral.service#MissingAuthenticationTokenException"
        )

    def test_a_body_that_was_changed_after_signing_is_refused(self):
        status, _, reply = Wire().send(b"{}", instead=b'{"Limit":1}')
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(reply)["__type"], "com.amazon.coral.service#InvalidSignatureException")


class Wire:
    """Requests below the client: the same endpoint and credentials, every header ours."""

    def __init__(self):
        self.url = SESSION.client("dynamodb").meta.endpoint_url
        self.region = SESSION.region_name

    def send(self, body, operation="ListTables", sign=True, instead=None, **headers):
        target = urlsplit(self.url)
        headers = {
            "Host": target.netloc,
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
        } | headers
        request = AWSRequest("POST", self.url.rstrip("/") + "/", headers=headers, data=body)
        if sign:
            SigV4Auth(SESSION.get_credentials(), "dynamodb", self.region).add_auth(request)
        kind = http.client.HTTPSConnection if target.scheme == "https" else http.client.HTTPConnection
        connection = kind(target.netloc, timeout=30)
        try:
            connection.request("POST", "/", instead or body, dict(request.headers))
            reply = connection.getresponse()
            return reply.status, reply.headers, reply.read()
        finally:
            connection.close()


class Protocol(TableCase):
    def test_every_answer_has_an_id_and_a_checksum_of_its_bytes(self):
        for body in (b"{}", b'{"Limit": 0}'):
            status, headers, reply = Wire().send(body)
            self.assertEqual(headers["x-amz-crc32"], str(zlib.crc32(reply)))
            self.assertTrue(headers["x-amzn-requestid"])
            self.assertEqual(headers["content-type"], "application/x-amz-json-1.0")
        self.assertEqual(status, 400)

    def test_the_client_shows_the_id_of_the_request(self):
        first = self.client.list_tables()["ResponseMetadata"]["RequestId"]
        second = self.client.list_tables()["ResponseMetadata"]["RequestId"]
        self.assertTrue(first)
        self.assertNotEqual(first, second)

    def test_malformed_json_is_a_serialization_error(self):
        status, _, reply = Wire().send(b'{"TableName": ')
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(reply)["__type"], "com.amazon.coral.service#SerializationException")

    def test_an_unknown_operation_is_told(self):
        status, _, reply = Wire().send(b"{}", operation="MakeCoffee")
        self.assertEqual(status, 400)
        self.assertEqual(json.loads(reply)["__type"], "com.amazon.coral.service#UnknownOperationException")

    def test_no_operation_of_the_client_is_unknown(self):
        unknown = []
        for operation in self.client.meta.service_model.operation_names:
            _, _, reply = Wire().send(b"{}", operation=operation)
            if "UnknownOperationException" in json.loads(reply).get("__type", ""):
                unknown.append(operation)
        self.assertEqual(unknown, [])


class Retries(TableCase):
    def client_of(self, mode):
        return boto3.client("dynamodb", config=Config(retries=dict(mode=mode, total_max_attempts=4)))

    def failing_first(self, client, status, body, times=1):
        """The first `times` attempts get an answer that never came from the endpoint."""
        from botocore.awsrequest import AWSResponse

        attempts = []

        class Raw:
            def stream(self, **_):
                yield json.dumps(body).encode()

        def before_send(request, **_):
            attempts.append(request)
            if len(attempts) <= times:
                return AWSResponse(request.url, status, {"content-type": "application/x-amz-json-1.0"}, Raw())

        client.meta.events.register("before-send.dynamodb", before_send)
        return attempts

    def test_every_retry_mode_gets_through_after_a_fault(self):
        fault = {"__type": "com.amazonaws.dynamodb.v20120810#InternalServerError", "message": "Internal server error"}
        slow = {"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "Slow down"}
        for mode in ("legacy", "standard", "adaptive"):
            for status, body in ((500, fault), (400, slow)):
                with self.subTest(f"{mode} {status}"):
                    client = self.client_of(mode)
                    attempts = self.failing_first(client, status, body)
                    reply = client.put_item(TableName=self.name, Item={"Id": {"S": mode}})
                    self.assertEqual(len(attempts), 2)
                    self.assertEqual(reply["ResponseMetadata"]["RetryAttempts"], 1)

    def test_errors_of_the_caller_are_not_repeated(self):
        for mode in ("legacy", "standard", "adaptive"):
            client = self.client_of(mode)
            attempts = self.failing_first(client, 0, None, times=0)
            failure = self.refused(
                "ConditionalCheckFailedException",
                client.put_item,
                TableName=self.name,
                Item={"Id": {"S": "never"}},
                ConditionExpression="attribute_exists(Id)",
            )
            self.assertEqual(failure.response["ResponseMetadata"]["RetryAttempts"], 0)
            self.refused("ValidationException", client.put_item, TableName=self.name, Item={"Wrong": {"S": "x"}})
            self.assertEqual(len(attempts), 2)


class ManyAtOnce(TableCase):
    def test_a_counter_that_32_threads_raise_loses_nothing(self):
        client = boto3.client("dynamodb", config=Config(max_pool_connections=32))

        def add(_):
            client.update_item(
                TableName=self.name,
                Key={"Id": {"S": "counter"}},
                UpdateExpression="ADD N :one",
                ExpressionAttributeValues={":one": {"N": "1"}},
            )

        with ThreadPoolExecutor(32) as threads:
            list(threads.map(add, range(640)))
        got = self.client.get_item(TableName=self.name, Key={"Id": {"S": "counter"}}, ConsistentRead=True)
        self.assertEqual(got["Item"]["N"], {"N": "640"})

    def test_of_many_conditional_puts_one_wins(self):
        client = boto3.client("dynamodb", config=Config(max_pool_connections=16))

        def put(i):
            try:
                client.put_item(
                    TableName=self.name,
                    Item={"Id": {"S": "race"}, "Winner": {"N": str(i)}},
                    ConditionExpression="attribute_not_exists(Id)",
                )
                return i
            except client.exceptions.ConditionalCheckFailedException:
                return None

        with ThreadPoolExecutor(16) as threads:
            winners = [i for i in threads.map(put, range(64)) if i is not None]
        self.assertEqual(len(winners), 1)
        got = self.client.get_item(TableName=self.name, Key={"Id": {"S": "race"}}, ConsistentRead=True)
        self.assertEqual(got["Item"]["Winner"], {"N": str(winners[0])})


if __name__ == "__main__":
    unittest.main()

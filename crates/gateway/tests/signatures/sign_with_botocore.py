"""Requests signed by botocore, printed as JSON: the golden values in botocore.json.

    python3 crates/gateway/tests/signatures/sign_with_botocore.py > crates/gateway/tests/signatures/botocore.json

Each is what goes over the wire: method, target, headers in order, body (base64).
"""

import base64
import datetime
import json
import sys
import unittest.mock
from urllib.parse import urlsplit

import botocore
import botocore.auth
import botocore.session
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 1, 31, 23, 59, 30, tzinfo=datetime.timezone.utc)
KEY, SECRET = "AKIDGOLDEN0000000001", "golden/Secret+0123456789abcdefghijklmnop"


def wire(name, method, url, headers, body):
    parts = urlsplit(url)
    headers = [[k, v.decode() if isinstance(v, bytes) else str(v)] for k, v in headers.items()]
    if not any(k.lower() == "host" for k, _ in headers):
        headers.insert(0, ["Host", parts.netloc])
    body = body.encode() if isinstance(body, str) else body or b""
    return {
        "name": name,
        "method": method,
        "target": (parts.path or "/") + ("?" + parts.query if parts.query else ""),
        "headers": headers,
        "body": base64.b64encode(body).decode(),
    }


def client(endpoint, region, key=KEY, secret=SECRET, token=None):
    return botocore.session.Session().create_client(
        "dynamodb",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(retries={"max_attempts": 0}),
    )


class Caught(Exception):
    pass


def of_client(name, ddb, operation, arguments):
    """What a client would send."""
    caught = []

    def before_send(request, **_):
        caught.append(wire(name, request.method, request.url, request.headers, request.body))
        raise Caught

    ddb.meta.events.register("before-send.dynamodb.*", before_send)
    try:
        getattr(ddb, operation)(**arguments)
    except Caught:
        pass
    ddb.meta.events.unregister("before-send.dynamodb.*", before_send)
    return caught[0]


def of_signer(name, signer, region, method, url, headers, body, **options):
    """What a signer makes of a request that no client would send."""
    request = AWSRequest(method=method, url=url, headers=headers, data=body)
    signer(Credentials(KEY, SECRET), "dynamodb", region, **options).add_auth(request)
    prepared = request.prepare()
    return wire(name, method, prepared.url, prepared.headers, prepared.body)


def requests():
    ddb = client("http://127.0.0.1:8000", "us-east-1")
    yield of_client("list_tables", ddb, "list_tables", {})
    item = {"pk": {"S": "Zoë 🐘"}, "n": {"N": "1e-130"}, "b": {"B": b"\x00\xff"}}
    yield of_client("put_item", ddb, "put_item", {"TableName": "Music", "Item": item})
    tls = client("https://dynamodb.example.org", "localhost")
    yield of_client("region_localhost", tls, "describe_table", {"TableName": "Music"})
    token = client("http://127.0.0.1:8000", "us-east-1", token="a/token+that=is long")
    yield of_client("session_token", token, "list_tables", {})
    headers = {"X-Amz-Target": "DynamoDB_20120810.ListTables", "Content-Type": "application/x-amz-json-1.0"}
    v4, query = botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth
    url = "http://127.0.0.1:8000"
    yield of_signer("path_and_query", v4, "eu-west-1", "POST", url + "/a%20b/./c/?z=1&a=%2F&a=%20&empty=", headers, b"{}")
    spaced = dict(headers, **{"X-Amz-Meta": "  several   spaces\tand a tab ", "X-Amz-Empty": ""})
    yield of_signer("spaces_in_headers", v4, "us-east-1", "POST", url + "/", spaced, b"{}")
    yield of_signer("presigned", query, "us-east-1", "POST", url + "/", headers, b"{}", expires=900)
    yield of_signer("presigned_with_query", query, "us-east-1", "POST", url + "/?b=2&a=1", headers, b"{}", expires=604800)


def main():
    with unittest.mock.patch("botocore.auth.get_current_datetime", lambda *_: NOW.replace(tzinfo=None)):
        vectors = {
            "botocore": botocore.__version__,
            "now": int(NOW.timestamp()),
            "access_key_id": KEY,
            "secret_access_key": SECRET,
            "requests": list(requests()),
        }
    json.dump(vectors, sys.stdout, indent=1, ensure_ascii=False)
    print()


main()

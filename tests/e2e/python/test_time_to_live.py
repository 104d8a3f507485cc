"""boto3's client: items that expire. On AWS the deletion itself is left out: it may take two days."""

import time

from support import ON_AWS, Case, composite, differs, index, simple


class TimeToLive(Case):
    def status(self, name):
        return self.client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]

    def update(self, name, enabled, attribute="expires"):
        specification = dict(Enabled=enabled, AttributeName=attribute)
        reply = self.client.update_time_to_live(TableName=name, TimeToLiveSpecification=specification)
        self.assertEqual(reply["TimeToLiveSpecification"], specification)
        wanted = "ENABLED" if enabled else "DISABLED"
        self.until(lambda: self.status(name)["TimeToLiveStatus"] == wanted)

    def until(self, holds):
        end = time.monotonic() + 60
        while not holds():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.1)

    def put(self, name, **attributes):
        self.client.put_item(TableName=name, Item=attributes)

    def ids(self, name, **more):
        found = self.client.scan(TableName=name, ConsistentRead=not more, **more)["Items"]
        return {item["Id"]["S"] for item in found}

    def test_a_table_without_time_to_live_is_disabled(self):
        name = self.create("never", simple())
        self.assertEqual(self.status(name), {"TimeToLiveStatus": "DISABLED"})
        texts = self.message(
            "ValidationException",
            self.client.update_time_to_live,
            TableName=name,
            TimeToLiveSpecification=dict(Enabled=False, AttributeName="expires"),
        )
        self.assertEqual(texts, "TimeToLive is already disabled")

    def test_time_to_live_is_enabled_and_described(self):
        name = self.create("enabled", simple())
        self.update(name, True)
        self.assertEqual(self.status(name), {"TimeToLiveStatus": "ENABLED", "AttributeName": "expires"})
        for attribute, enabled, text in [
            ("expires", True, "TimeToLive is already enabled"),
            ("other", True, "TimeToLive is active on a different AttributeName: current AttributeName is expires"),
            ("other", False, "TimeToLive is active on a different AttributeName: current AttributeName is expires"),
        ]:
            told = self.message(
                "ValidationException",
                self.client.update_time_to_live,
                TableName=name,
                TimeToLiveSpecification=dict(Enabled=enabled, AttributeName=attribute),
            )
            self.assertEqual(told, text)
        self.assertEqual(self.client.describe_table(TableName=name)["Table"]["TableStatus"], "ACTIVE")

    def test_the_name_of_the_attribute_has_a_length(self):
        name = self.create("lengths", simple())
        # The client itself refuses an empty one.
        self.refused(
            "ValidationException",
            self.client.update_time_to_live,
            TableName=name,
            TimeToLiveSpecification=dict(Enabled=True, AttributeName="x" * 256),
        )

    def test_a_missing_table_has_no_time_to_live(self):
        self.refused("ResourceNotFoundException", self.client.describe_time_to_live, TableName="e2e-no-such-table")
        self.refused(
            "ResourceNotFoundException",
            self.client.update_time_to_live,
            TableName="e2e-no-such-table",
            TimeToLiveSpecification=dict(Enabled=True, AttributeName="expires"),
        )

    def test_expired_items_are_deleted_and_no_others(self):
        if differs(aws=True, here=False, why="expired items are deleted within seconds here, within days there"):
            return
        name = self.create(
            "expired", composite("Id", "Kind", GlobalSecondaryIndexes=[index("ByKind", "Kind")])
        )
        now = int(time.time())
        values = {
            "gone-before": {"N": str(now - 60)},
            "gone-fraction": {"N": f"{now - 60}.5"},
            "later": {"N": str(now + 3600)},
            "long-ago": {"N": str(now - 6 * 365 * 86400)},
            "text": {"S": str(now - 60)},
            "millis": {"N": str(now * 1000)},
        }
        for id, value in values.items():
            self.put(name, Id={"S": id}, Kind={"S": "k"}, expires=value)
        self.put(name, Id={"S": "none"}, Kind={"S": "k"})
        self.update(name, True)
        self.put(name, Id={"S": "gone-after"}, Kind={"S": "k"}, expires={"N": str(now - 60)})
        self.put(name, Id={"S": "gone-soon"}, Kind={"S": "k"}, expires={"N": str(int(time.time()) + 1)})
        self.assertIn("gone-soon", self.ids(name))
        left = {"later", "long-ago", "text", "millis", "none"}
        self.until(lambda: self.ids(name) == left)
        self.assertEqual(self.ids(name, IndexName="ByKind"), left)

    def test_a_renewed_item_stays(self):
        if ON_AWS:
            return
        name = self.create("renewed", simple())
        self.update(name, True)
        soon = str(int(time.time()) + 2)
        self.put(name, Id={"S": "renewed"}, expires={"N": soon})
        self.put(name, Id={"S": "control"}, expires={"N": soon})
        self.client.update_item(
            TableName=name,
            Key={"Id": {"S": "renewed"}},
            UpdateExpression="SET expires = expires + :hour",
            ExpressionAttributeValues={":hour": {"N": "3600"}},
        )
        self.until(lambda: self.ids(name) == {"renewed"})

    def test_the_attribute_is_changed(self):
        if differs(aws=True, here=False, why="the next change may come at once here, after half an hour there"):
            return
        name = self.create("changed", simple())
        past = {"N": str(int(time.time()) - 60)}
        self.update(name, True, "first")
        self.put(name, Id={"S": "a"}, first=past)
        self.until(lambda: self.ids(name) == set())
        self.update(name, False, "first")
        self.assertEqual(self.status(name), {"TimeToLiveStatus": "DISABLED"})
        self.put(name, Id={"S": "b"}, first=past)
        self.put(name, Id={"S": "c"}, second=past)
        self.update(name, True, "second")
        self.until(lambda: self.ids(name) == {"b"})

    def test_a_key_may_say_when_an_item_expires(self):
        name = self.create("key", composite("Id", "Until", "N"))
        self.update(name, True, "Until")
        self.put(name, Id={"S": "a"}, Until={"N": str(int(time.time()) + 3600)})
        if not ON_AWS:
            self.put(name, Id={"S": "b"}, Until={"N": str(int(time.time()) - 60)})
            self.until(lambda: self.ids(name) == {"a"})

    def test_a_table_is_deleted_with_its_time_to_live(self):
        name = self.create("deleted", simple())
        self.update(name, True)
        self.client.delete_table(TableName=name)
        self.client.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig=dict(Delay=1, MaxAttempts=60))
        self.refused("ResourceNotFoundException", self.client.describe_time_to_live, TableName=name)

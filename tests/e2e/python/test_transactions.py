"""boto3's client: TransactWriteItems and TransactGetItems."""

import unittest
import uuid

from support import Case, TableCase, composite, index, simple

CANCELED = "Transaction cancelled, please refer cancellation reasons for specific reasons "


class Transactions(TableCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls.create("other", composite("Pk", "Sk", "N"))

    def put(self, key, **more):
        return {"Put": {"TableName": self.name, "Item": {"Id": {"S": key}} | more.pop("item", {})} | more}

    def update(self, key, expression, values=None, **more):
        values = {"ExpressionAttributeValues": values} if values else {}
        key = {"Id": {"S": key}}
        return {"Update": {"TableName": self.name, "Key": key, "UpdateExpression": expression} | values | more}

    def delete(self, key, **more):
        return {"Delete": {"TableName": self.name, "Key": {"Id": {"S": key}}} | more}

    def check(self, key, condition, values=None, **more):
        values = {"ExpressionAttributeValues": values} if values else {}
        key = {"Id": {"S": key}}
        return {"ConditionCheck": {"TableName": self.name, "Key": key, "ConditionExpression": condition} | values | more}

    def transact(self, *actions, **more):
        return self.client.transact_write_items(TransactItems=list(actions), **more)

    def item(self, key):
        return self.client.get_item(TableName=self.name, Key={"Id": {"S": key}}, ConsistentRead=True).get("Item")

    def store(self, key, **item):
        self.client.put_item(TableName=self.name, Item={"Id": {"S": key}} | item)

    def canceled(self, *actions, **more):
        """The reasons of a transaction that must be cancelled."""
        failure = self.refused("TransactionCanceledException", self.transact, *actions, **more)
        reasons = failure.response["CancellationReasons"]
        codes = ", ".join(reason["Code"] for reason in reasons)
        self.assertEqual(failure.response["Error"]["Message"], f"{CANCELED}[{codes}]")
        return reasons

    def test_all_actions_of_several_tables_are_done(self):
        self.store("all-update", n={"N": "1"})
        self.store("all-delete")
        self.store("all-check", open={"BOOL": True})
        reply = self.transact(
            self.put("all-put", item={"n": {"N": "7"}}),
            self.update("all-update", "ADD n :one", {":one": {"N": "1"}}),
            self.delete("all-delete"),
            self.check("all-check", "#o = :yes", {":yes": {"BOOL": True}}, ExpressionAttributeNames={"#o": "open"}),
            {"Put": {"TableName": self.other, "Item": {"Pk": {"S": "all"}, "Sk": {"N": "1"}}}},
        )
        self.assertEqual(set(reply), {"ResponseMetadata"})
        self.assertEqual(self.item("all-put"), {"Id": {"S": "all-put"}, "n": {"N": "7"}})
        self.assertEqual(self.item("all-update")["n"], {"N": "2"})
        self.assertIsNone(self.item("all-delete"))
        got = self.client.get_item(TableName=self.other, Key={"Pk": {"S": "all"}, "Sk": {"N": "1"}})
        self.assertIn("Item", got)

    def test_reasons_are_in_order_and_nothing_is_stored(self):
        self.store("reasons-there", n={"N": "1"}, text={"S": "x"})
        reasons = self.canceled(
            self.put("reasons-new"),
            self.put("reasons-there", ConditionExpression="attribute_not_exists(Id)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            self.update("reasons-missing", "SET n = n + :one", {":one": {"N": "1"}}),
            self.check("reasons-nobody", "attribute_exists(Id)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
        )
        self.assertEqual(
            reasons,
            [
                {"Code": "None"},
                {
                    "Code": "ConditionalCheckFailed",
                    "Message": "The conditional request failed",
                    "Item": {"Id": {"S": "reasons-there"}, "n": {"N": "1"}, "text": {"S": "x"}},
                },
                {
                    "Code": "ValidationError",
                    "Message": "The provided expression refers to an attribute that does not exist in the item",
                },
                {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"},
            ],
        )
        self.assertIsNone(self.item("reasons-new"))

    def test_what_is_wrong_with_the_key_of_an_action_is_a_reason(self):
        wrong = {"Delete": {"TableName": self.name, "Key": {"Other": {"S": "x"}}}}
        reasons = self.canceled(self.put("wrong-key"), wrong)
        self.assertEqual([reason["Code"] for reason in reasons], ["None", "ValidationError"])
        self.assertEqual(reasons[1]["Message"], "The provided key element does not match the schema")
        empty = self.message("ValidationException", self.transact, self.put(""))
        self.assertIn("cannot contain an empty string value. Key: Id", empty)

    def test_an_update_may_make_no_item_too_large(self):
        self.store("large", x={"S": "x" * 400_000})
        reasons = self.canceled(self.update("large", "SET y = :y", {":y": {"S": "y" * 20_000}}))
        self.assertEqual(reasons[0]["Message"], "Item size to update has exceeded the maximum allowed size")

    def test_no_item_twice(self):
        message = self.message(
            "ValidationException", self.transact, self.put("twice"), self.check("twice", "attribute_exists(Id)")
        )
        self.assertEqual(message, "Transaction request cannot include multiple operations on one item")

    def test_an_unknown_table_is_not_found(self):
        action = {"Put": {"TableName": "nowhere-at-all", "Item": {"Id": {"S": "x"}}}}
        message = self.message("ResourceNotFoundException", self.transact, self.put("known"), action)
        self.assertEqual(message, "Requested resource not found")
        self.assertIsNone(self.item("known"))

    def test_a_hundred_actions_and_no_more(self):
        self.transact(*(self.put(f"hundred-{n}") for n in range(100)))
        message = self.message("ValidationException", self.transact, *(self.put(f"hundred-{n}") for n in range(101)))
        self.assertTrue(message.endswith("Member must have length less than or equal to 100"), message)

    def test_four_megabytes_and_no_more(self):
        large = {"payload": {"S": "x" * 350_000}}
        self.transact(*(self.put(f"mb-{n}", item=large) for n in range(10)))
        self.refused("ValidationException", self.transact, *(self.put(f"mb-{n}", item=large) for n in range(12)))

    def test_a_token_counts_once(self):
        self.store("token", n={"N": "0"})
        token = str(uuid.uuid4())
        add = self.update("token", "ADD n :one", {":one": {"N": "1"}})
        asking = dict(ClientRequestToken=token, ReturnConsumedCapacity="TOTAL")
        first = self.transact(add, **asking)["ConsumedCapacity"]
        self.assertEqual(first, [{"TableName": self.name, "CapacityUnits": 2.0, "WriteCapacityUnits": 2.0}])
        again = self.transact(add, **asking)["ConsumedCapacity"]
        self.assertEqual(again, [{"TableName": self.name, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0}])
        self.assertEqual(self.item("token")["n"], {"N": "1"})
        self.refused(
            "IdempotentParameterMismatchException",
            self.transact,
            self.update("token", "ADD n :one", {":one": {"N": "2"}}),
            ClientRequestToken=token,
        )
        self.transact(add, ClientRequestToken=str(uuid.uuid4()))
        self.assertEqual(self.item("token")["n"], {"N": "2"})

    def test_a_cancelled_transaction_leaves_its_token_free(self):
        token = str(uuid.uuid4())
        guarded = self.put("free", ConditionExpression="attribute_exists(Id)")
        self.canceled(guarded, ClientRequestToken=token)
        self.store("free")
        self.transact(guarded, ClientRequestToken=token)

    def test_capacity_is_doubled_for_each_item(self):
        self.store("units-large", x={"S": "x" * 1500})
        reply = self.transact(
            self.put("units-small"),
            self.delete("units-large"),
            {"Put": {"TableName": self.other, "Item": {"Pk": {"S": "units"}, "Sk": {"N": "1"}, "x": {"S": "x" * 2500}}}},
            ReturnConsumedCapacity="INDEXES",
        )
        units = {"CapacityUnits": 6.0, "WriteCapacityUnits": 6.0}
        self.assertEqual(
            reply["ConsumedCapacity"],
            [{"TableName": self.name, **units, "Table": units}, {"TableName": self.other, **units, "Table": units}],
        )

    def test_reads_are_answered_in_order(self):
        self.store("read-a", a={"N": "1"}, b={"N": "2"})
        self.client.put_item(TableName=self.other, Item={"Pk": {"S": "read"}, "Sk": {"N": "5"}})
        get = lambda key, **more: {"Get": {"TableName": self.name, "Key": {"Id": {"S": key}}} | more}
        reply = self.client.transact_get_items(
            TransactItems=[
                get("read-none"),
                {"Get": {"TableName": self.other, "Key": {"Pk": {"S": "read"}, "Sk": {"N": "5"}}}},
                get("read-a", ProjectionExpression="b"),
            ],
            ReturnConsumedCapacity="TOTAL",
        )
        self.assertEqual(reply["Responses"], [{}, {"Item": {"Pk": {"S": "read"}, "Sk": {"N": "5"}}}, {"Item": {"b": {"N": "2"}}}])
        self.assertEqual(
            reply["ConsumedCapacity"],
            [
                {"TableName": self.name, "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0},
                {"TableName": self.other, "CapacityUnits": 2.0, "ReadCapacityUnits": 2.0},
            ],
        )

    def test_what_is_wrong_with_a_read_is_a_reason(self):
        wrong = {"Get": {"TableName": self.name, "Key": {}}}
        failure = self.refused("TransactionCanceledException", self.client.transact_get_items, TransactItems=[wrong])
        self.assertEqual(failure.response["CancellationReasons"][0]["Code"], "ValidationError")
        get = {"Get": {"TableName": self.name, "Key": {"Id": {"S": "same"}}}}
        message = self.message("ValidationException", self.client.transact_get_items, TransactItems=[get, get])
        self.assertEqual(message, "Transaction request cannot include multiple operations on one item")


class Collections(Case):
    def test_collections_of_tables_with_local_indexes_are_told(self):
        schema = composite(
            "Pk",
            "Sk",
            AttributeDefinitions=[dict(AttributeName="Local", AttributeType="S")],
            LocalSecondaryIndexes=[index("ByLocal", "Pk", "Local")],
        )
        name, plain = self.create("collections", schema), self.create("plain", simple())
        put = lambda table, **item: {"Put": {"TableName": table, "Item": item}}
        reply = self.client.transact_write_items(
            TransactItems=[
                put(name, Pk={"S": "p"}, Sk={"S": "a"}),
                put(name, Pk={"S": "p"}, Sk={"S": "b"}),
                put(plain, Id={"S": "x"}),
            ],
            ReturnItemCollectionMetrics="SIZE",
        )
        self.assertEqual(list(reply["ItemCollectionMetrics"]), [name])
        self.assertEqual(
            [metrics["ItemCollectionKey"] for metrics in reply["ItemCollectionMetrics"][name]], [{"Pk": {"S": "p"}}]
        )


if __name__ == "__main__":
    unittest.main()

"""boto3's client: PartiQL statements, alone, in batches and in transactions."""

import unittest
from decimal import Decimal

import boto3
from boto3.dynamodb.types import Binary
from support import EVERYTHING, TableCase, orders


class Statements(TableCase):
    """Orders of customers; the open ones are in a sparse index."""

    schema = orders()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for customer in ("ann", "bob"):
            statements = []
            for number in range(8):
                item = f"'Customer': '{customer}', 'Number': {number}, 'Total': {100 - number}, 'Note': 'order {number}'"
                opened = ", 'Open': 'yes'" if number % 2 else ""
                statements.append(dict(Statement=f"INSERT INTO \"{cls.name}\" VALUE {{{item}{opened}}}"))
            replies = cls.client.batch_execute_statement(Statements=statements)["Responses"]
            assert all("Error" not in reply for reply in replies), replies

    def execute(self, statement, *parameters, **more):
        if parameters:
            more["Parameters"] = list(parameters)
        return self.client.execute_statement(Statement=statement.replace("TABLE", f'"{self.name}"'), **more)

    def fault(self, error, statement, *parameters, **more):
        return self.message(error, self.execute, statement, *parameters, **more)

    def numbers(self, reply):
        return [int(item["Number"]["N"]) for item in reply["Items"]]


class Select(Statements):
    def test_conditions_on_keys_and_other_attributes(self):
        for condition, expected in (
            ("Customer = 'ann' AND \"Number\" = 3", [3]),
            ("Customer = 'ann' AND \"Number\" >= 6", [6, 7]),
            ("Customer = 'ann' AND \"Number\" BETWEEN 2 AND 4", [2, 3, 4]),
            ("Customer = 'ann' AND \"Number\" IN [5, 1] ORDER BY \"Number\"", [1, 5]),
            ("Customer = 'ann' ORDER BY \"Number\" DESC", [7, 6, 5, 4, 3, 2, 1, 0]),
            ("Customer = 'ann' AND Total > 97", [0, 1, 2]),
            ("Customer = 'ann' AND \"Open\" IS MISSING", [0, 2, 4, 6]),
            ("Customer = 'ann' AND contains(Note, '5')", [5]),
            ("Customer = 'ann' AND attribute_type(Note, 'S') AND size(Note) = 7 AND \"Number\" < 2", [0, 1]),
            ("Customer = 'none'", []),
        ):
            reply = self.execute(f"SELECT * FROM TABLE WHERE {condition}")
            self.assertEqual(self.numbers(reply), expected, condition)

    def test_several_partitions_and_scans(self):
        both = self.execute("SELECT * FROM TABLE WHERE Customer IN ['bob', 'ann'] AND \"Number\" = 1")
        self.assertEqual(sorted(item["Customer"]["S"] for item in both["Items"]), ["ann", "bob"])
        scanned = self.execute("SELECT * FROM TABLE WHERE Total = 95")
        self.assertEqual(sorted(item["Customer"]["S"] for item in scanned["Items"]), ["ann", "bob"])

    def test_indexes(self):
        found = self.execute('SELECT * FROM TABLE."ByOpen" WHERE "Open" = ? AND Total < ?', {"S": "yes"}, {"N": "95"})
        self.assertEqual(self.numbers(found), [7, 7])
        local = self.execute("SELECT * FROM TABLE.\"ByTotal\" WHERE Customer = 'ann' ORDER BY Total")
        self.assertEqual(self.numbers(local), [7, 6, 5, 4, 3, 2, 1, 0])
        self.assertEqual(
            self.fault("ValidationException", 'SELECT * FROM TABLE."Nowhere"'),
            "The table does not have the specified index",
        )

    def test_pages_by_token_and_by_limit(self):
        found, more = [], {}
        while True:
            reply = self.execute("SELECT * FROM TABLE WHERE Customer = 'bob'", Limit=3, **more)
            self.assertLessEqual(len(reply["Items"]), 3)
            found += self.numbers(reply)
            if "NextToken" not in reply:
                break
            more = dict(NextToken=reply["NextToken"])
        self.assertEqual(found, list(range(8)))
        self.assertEqual(
            self.fault("ValidationException", "SELECT * FROM TABLE", **more), "NextToken does not match request"
        )

    def test_columns_and_capacity(self):
        reply = self.execute(
            "SELECT Note, \"Open\" FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 1",
            ConsistentRead=True,
            ReturnConsumedCapacity="TOTAL",
        )
        self.assertEqual(reply["Items"], [{"Note": {"S": "order 1"}, "Open": {"S": "yes"}}])
        self.assertEqual(reply["ConsumedCapacity"], {"TableName": self.name, "CapacityUnits": 1.0})


class Write(Statements):
    def test_an_item_of_every_type_by_parameters(self):
        values = {f"A {name}": value for name, value in EVERYTHING.items()}
        places = ", ".join(f"'{name}': ?" for name in values)
        self.execute(f"INSERT INTO TABLE VALUE {{'Customer': 'types', 'Number': 1, {places}}}", *values.values())
        (item,) = self.execute("SELECT * FROM TABLE WHERE Customer = 'types' AND \"Number\" = 1")["Items"]
        self.assertEqual({name: item[name] for name in values}, values)
        self.assertEqual(
            self.fault("DuplicateItemException", "INSERT INTO TABLE VALUE {'Customer': 'types', 'Number': 1}"),
            "Duplicate primary key exists in table",
        )

    def test_literals_by_the_resource(self):
        resource = boto3.resource("dynamodb")
        self.execute(
            "INSERT INTO TABLE VALUE {'Customer': 'it''s', 'Number': 1.5, 'list': [1, 'x', [true]], 'map': {'a': null},"
            " 'set': <<1, 2>>, 'digits': 12345678901234567890123456789012345678}"
        )
        item = resource.Table(self.name).get_item(Key={"Customer": "it's", "Number": Decimal("1.5")})["Item"]
        self.assertEqual(item["list"], [1, "x", [True]])
        self.assertEqual(item["map"], {"a": None})
        self.assertEqual(item["set"], {Decimal(1), Decimal(2)})
        self.assertEqual(item["digits"], Decimal("12345678901234567890123456789012345678"))
        self.assertNotIsInstance(item["digits"], Binary)

    def test_update_and_delete_with_returning(self):
        key = "WHERE Customer = 'upd' AND \"Number\" = 1"
        self.execute("INSERT INTO TABLE VALUE {'Customer': 'upd', 'Number': 1, 'n': 1, 'l': ['a'], 's': <<'x'>>}")
        update = f"UPDATE TABLE SET n = n + 1, l = list_append(l, ['b']) SET s = set_add(s, <<'y'>>) {key} RETURNING MODIFIED NEW *"
        (item,) = self.execute(update)["Items"]
        self.assertEqual(item["n"], {"N": "2"})
        self.assertEqual(item["l"], {"L": [{"S": "a"}, {"S": "b"}]})
        self.assertEqual(sorted(item["s"]["SS"]), ["x", "y"])
        self.assertEqual(self.execute(f"UPDATE TABLE REMOVE l SET s = set_delete(s, <<'x', 'y'>>) {key}")["Items"], [])
        (item,) = self.execute(f"DELETE FROM TABLE {key} AND n = 2 RETURNING ALL OLD *")["Items"]
        self.assertEqual(item, {"Customer": {"S": "upd"}, "Number": {"N": "1"}, "n": {"N": "2"}})
        self.assertEqual(self.execute(f"DELETE FROM TABLE {key}")["Items"], [])

    def test_conditions_stop_writes(self):
        self.execute("INSERT INTO TABLE VALUE {'Customer': 'cond', 'Number': 1, 'n': 1}")
        for statement in (
            "UPDATE TABLE SET n = 2 WHERE Customer = 'cond' AND \"Number\" = 1 AND n = 5",
            "UPDATE TABLE SET n = 2 WHERE Customer = 'cond' AND \"Number\" = 9",
            "DELETE FROM TABLE WHERE Customer = 'cond' AND \"Number\" = 1 AND attribute_exists(x)",
        ):
            failure = self.refused(
                "ConditionalCheckFailedException", self.execute, statement, ReturnValuesOnConditionCheckFailure="ALL_OLD"
            )
            self.assertEqual("Item" in failure.response, "9" not in statement)

    def test_faults(self):
        for statement, text in (
            ("SELECTT * FROMM x", "Statement wasn't well formed, can't be processed: Expected data manipulation"),
            ("SELECT * FROM TABLE WHERE", "Statement wasn't well formed, can't be processed: Unexpected term"),
            (
                "SELECT * FROM TABLE WHERE Customer = 'a' foo",
                "Statement wasn't well formed, can't be processed: Unexpected token after expression",
            ),
            ("SELECT * FROM TABLE t", "Aliasing is not supported"),
            (
                "DELETE FROM TABLE WHERE Customer = 'a'",
                "Where clause does not contain a mandatory equality on all key attributes",
            ),
            (
                "SELECT * FROM TABLE WHERE Customer = 1",
                "Key attribute's data type should match its data type in table's schema: Key Customer",
            ),
        ):
            self.assertEqual(self.fault("ValidationException", statement), text)
        self.assertIn(
            "Requested resource not found", self.fault("ResourceNotFoundException", 'SELECT * FROM "e2e-no-such-table"')
        )


class Batch(Statements):
    def batch(self, *statements, **more):
        members = [dict(Statement=text.replace("TABLE", f'"{self.name}"'), **more) for text in statements]
        return self.client.batch_execute_statement(Statements=members)["Responses"]

    def test_every_statement_has_its_own_answer(self):
        replies = self.batch(
            "SELECT Note FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 1",
            "SELECT Note FROM TABLE WHERE Customer = 'ann'",
            "SELECT * FROM \"e2e-no-such-table\" WHERE x = 'a'",
            "SELECTT",
        )
        self.assertEqual(replies[0], {"TableName": self.name, "Item": {"Note": {"S": "order 1"}}})
        codes = [reply.get("Error", {}).get("Code") for reply in replies]
        self.assertEqual(codes, [None, "ValidationError", "ResourceNotFound", "ValidationError"])

    def test_writes_do_not_stop_one_another(self):
        replies = self.batch(
            "INSERT INTO TABLE VALUE {'Customer': 'batch', 'Number': 1}",
            "INSERT INTO TABLE VALUE {'Customer': 'ann', 'Number': 1}",
            "UPDATE TABLE SET n = 1 WHERE Customer = 'ann' AND \"Number\" = 2 AND Total = 0",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        self.assertEqual([r.get("Error", {}).get("Code") for r in replies], [None, "DuplicateItem", "ConditionalCheckFailed"])
        self.assertEqual(replies[2]["Error"]["Item"]["Number"], {"N": "2"})
        self.assertEqual(self.numbers(self.execute("SELECT * FROM TABLE WHERE Customer = 'batch'")), [1])

    def test_reads_and_writes_do_not_mix(self):
        self.assertEqual(
            self.message(
                "ValidationException",
                self.batch,
                "SELECT * FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 1",
                "DELETE FROM TABLE WHERE Customer = 'mix' AND \"Number\" = 1",
            ),
            "Read and write requests together in the same batch is not supported.",
        )


class Transaction(Statements):
    def transact(self, *statements, **more):
        members = [dict(Statement=text.replace("TABLE", f'"{self.name}"')) for text in statements]
        return self.client.execute_transaction(TransactStatements=members, **more)

    def canceled(self, *statements):
        failure = self.refused("TransactionCanceledException", self.transact, *statements)
        return [reason["Code"] for reason in failure.response["CancellationReasons"]]

    def test_items_are_read_together(self):
        reply = self.transact(
            "SELECT Note FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 1",
            "SELECT Note FROM TABLE WHERE Customer = 'nobody' AND \"Number\" = 1",
        )
        self.assertEqual(reply["Responses"], [{"Item": {"Note": {"S": "order 1"}}}, {}])

    def test_statements_are_done_together_or_not_at_all(self):
        insert = "INSERT INTO TABLE VALUE {'Customer': 'together', 'Number': 1}"
        self.assertEqual(
            self.canceled(
                insert,
                "INSERT INTO TABLE VALUE {'Customer': 'ann', 'Number': 1}",
                "EXISTS(SELECT * FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 2 AND Total = 0)",
            ),
            ["None", "DuplicateItem", "ConditionalCheckFailed"],
        )
        together = "SELECT * FROM TABLE WHERE Customer = 'together'"
        self.assertEqual(self.numbers(self.execute(together)), [])
        self.transact(
            insert,
            "UPDATE TABLE SET Seen = 1 WHERE Customer = 'ann' AND \"Number\" = 3",
            "EXISTS(SELECT * FROM TABLE WHERE Customer = 'ann' AND \"Number\" = 2 AND Total = 98)",
        )
        self.assertEqual(self.numbers(self.execute(together)), [1])

    def test_a_token_is_for_one_transaction(self):
        self.execute("INSERT INTO TABLE VALUE {'Customer': 'token', 'Number': 1, 'n': 0}")
        for _ in range(2):
            self.transact(
                "UPDATE TABLE SET n = n + 1 WHERE Customer = 'token' AND \"Number\" = 1", ClientRequestToken="once"
            )
        (item,) = self.execute("SELECT n FROM TABLE WHERE Customer = 'token'")["Items"]
        self.assertEqual(item, {"n": {"N": "1"}})


if __name__ == "__main__":
    unittest.main()

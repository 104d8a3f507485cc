"""boto3's client: UpdateItem's expressions, and conditions on every write."""

import unittest

from support import EVERYTHING, TableCase


class Update(TableCase):
    def update(self, key, expression, values=None, names=None, **more):
        if values:
            more["ExpressionAttributeValues"] = values
        if names:
            more["ExpressionAttributeNames"] = names
        return self.client.update_item(
            TableName=self.name, Key={"Id": {"S": key}}, UpdateExpression=expression, **more
        )

    def put(self, key, **attributes):
        self.client.put_item(TableName=self.name, Item={"Id": {"S": key}} | attributes)

    def test_an_update_creates_what_is_missing(self):
        reply = self.update("new", "SET A = :a", {":a": {"S": "x"}}, ReturnValues="ALL_NEW")
        self.assertEqual(reply["Attributes"], {"Id": {"S": "new"}, "A": {"S": "x"}})

    def test_every_clause_in_one_expression(self):
        self.put("clauses", Former={"S": "gone"}, Count={"N": "1"}, Set={"SS": ["a", "b"]}, L={"L": [{"N": "1"}]})
        reply = self.update(
            "clauses",
            "SET #n = :n, L = list_append(L, :l), Kept = if_not_exists(Kept, :n) REMOVE Former ADD #c :one DELETE #s :b",
            {":n": {"S": "new"}, ":l": {"L": [{"N": "2"}]}, ":one": {"N": "1"}, ":b": {"SS": ["b"]}},
            {"#n": "New", "#c": "Count", "#s": "Set"},
            ReturnValues="ALL_NEW",
        )
        self.assertEqual(
            reply["Attributes"],
            {
                "Id": {"S": "clauses"},
                "New": {"S": "new"},
                "Kept": {"S": "new"},
                "L": {"L": [{"N": "1"}, {"N": "2"}]},
                "Count": {"N": "2"},
                "Set": {"SS": ["a"]},
            },
        )

    def test_what_return_values_return(self):
        for kind, expected in (
            ("NONE", None),
            ("ALL_OLD", {"Id": {"S": "returned"}, "A": {"N": "1"}, "B": {"N": "1"}}),
            ("UPDATED_OLD", {"A": {"N": "1"}}),
            ("ALL_NEW", {"Id": {"S": "returned"}, "A": {"N": "2"}, "B": {"N": "1"}}),
            ("UPDATED_NEW", {"A": {"N": "2"}}),
        ):
            with self.subTest(kind):
                self.put("returned", A={"N": "1"}, B={"N": "1"})
                reply = self.update("returned", "SET A = A + :one", {":one": {"N": "1"}}, ReturnValues=kind)
                self.assertEqual(reply.get("Attributes"), expected)

    def test_nested_paths_are_set_and_removed(self):
        self.put("nested", M={"M": {"a": {"L": [{"N": "0"}, {"N": "1"}]}}})
        reply = self.update(
            "nested", "SET M.a[1] = :v, M.b = :v REMOVE M.a[0]", {":v": {"S": "x"}}, ReturnValues="ALL_NEW"
        )
        self.assertEqual(reply["Attributes"]["M"], {"M": {"a": {"L": [{"S": "x"}]}, "b": {"S": "x"}}})

    def test_a_path_through_nothing_is_refused(self):
        self.put("flat")
        for path in ("M.a", "L[0]"):
            message = self.message("ValidationException", self.update, "flat", f"SET {path} = :v", {":v": {"S": "x"}})
            self.assertEqual(message, "The document path provided in the update expression is invalid for update")

    def test_the_key_cannot_be_changed(self):
        message = self.message("ValidationException", self.update, "k", "SET Id = :v", {":v": {"S": "x"}})
        self.assertEqual(
            message,
            "One or more parameter values were invalid: Cannot update attribute Id. This attribute is part of the key",
        )

    def test_reserved_words_need_a_placeholder(self):
        message = self.message("ValidationException", self.update, "k", "SET Status = :v", {":v": {"S": "x"}})
        self.assertEqual(
            message,
            "Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: Status",
        )

    def test_a_value_that_is_not_used_is_refused(self):
        values = {":v": {"S": "x"}, ":unused": {"S": "y"}}
        message = self.message("ValidationException", self.update, "k", "SET A = :v", values)
        self.assertEqual(
            message.removeprefix("1 validation error detected: "),
            "Value provided in ExpressionAttributeValues unused in expressions: keys: {:unused}",
        )

    def test_the_legacy_parameters_still_work(self):
        self.put("legacy", A={"N": "1"})
        reply = self.client.update_item(
            TableName=self.name,
            Key={"Id": {"S": "legacy"}},
            AttributeUpdates={"A": dict(Action="ADD", Value={"N": "2"}), "B": dict(Action="PUT", Value={"S": "b"})},
            Expected={"A": dict(ComparisonOperator="EQ", AttributeValueList=[{"N": "1"}])},
            ReturnValues="ALL_NEW",
        )
        self.assertEqual(reply["Attributes"], {"Id": {"S": "legacy"}, "A": {"N": "3"}, "B": {"S": "b"}})


class Conditions(TableCase):
    def holds(self, condition, values, names=None):
        """Whether a condition holds on the class's item: a delete of another attribute's worth would tell too much."""
        more = dict(ExpressionAttributeValues=values) if values else {}
        if names:
            more["ExpressionAttributeNames"] = names
        try:
            self.client.put_item(
                TableName=self.name, Item=self.item, ConditionExpression=condition, **more
            )
            return True
        except self.client.exceptions.ConditionalCheckFailedException as failure:
            self.assertEqual(failure.response["Error"]["Message"], "The conditional request failed")
            return False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.item = EVERYTHING | {"Id": {"S": "c"}, "Age": {"N": "10"}}
        cls.client.put_item(TableName=cls.name, Item=cls.item)

    def test_comparisons_and_functions(self):
        v = {":n": {"N": "10"}, ":m": {"N": "9"}, ":s": {"S": "žlu"}, ":a": {"S": "a"}, ":t": {"S": "BOOL"}}
        for condition, used, expected in (
            ("Age = :n", ":n", True),
            ("Age <> :n", ":n", False),
            ("Age > :m AND Age <= :n", ":n :m", True),
            ("Age BETWEEN :m AND :n", ":n :m", True),
            ("Age IN (:m, :n)", ":n :m", True),
            ("NOT Age IN (:m, :s)", ":m :s", True),
            ("attribute_exists(Age) AND attribute_not_exists(Nothing)", "", True),
            ("attribute_type(#true, :t)", ":t", True),
            ("begins_with(#string, :s)", ":s", True),
            ("contains(Strings, :a)", ":a", True),
            ("contains(#string, :a)", ":a", False),
            ("size(#list) < :n", ":n", True),
            ("Age = :s OR (Age = :n AND NOT Age = :m)", ":n :m :s", True),
            ("Age > :s", ":s", False),
            ("#map.#inner.deep = #true", "", True),
        ):
            names = {
                p: n
                for p, n in {
                    "#true": "True", "#string": "String", "#list": "List", "#map": "Map", "#inner": "inner",
                }.items()
                if p in condition
            }
            with self.subTest(condition):
                self.assertEqual(self.holds(condition, {p: v[p] for p in used.split()}, names), expected)

    def test_a_failed_condition_can_return_the_item(self):
        key = {"Id": {"S": "kept"}}
        item = key | {"Version": {"N": "7"}}
        self.client.put_item(TableName=self.name, Item=item)
        condition = dict(
            TableName=self.name,
            ConditionExpression="Version = :v",
            ExpressionAttributeValues={":v": {"N": "6"}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
        for call, more in (
            (self.client.put_item, dict(Item=key)),
            (self.client.delete_item, dict(Key=key)),
            (self.client.update_item, dict(Key=key, UpdateExpression="REMOVE Version")),
        ):
            failure = self.refused("ConditionalCheckFailedException", call, **condition, **more)
            self.assertEqual(failure.response["Item"], item)
            self.assertEqual(failure.response["Error"]["Message"], "The conditional request failed")
            self.assertEqual(failure.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        self.assertEqual(self.client.get_item(TableName=self.name, Key=key)["Item"], item)

    def test_a_failed_condition_without_item_or_wish_has_none(self):
        for key, more in (("gone", dict(ReturnValuesOnConditionCheckFailure="ALL_OLD")), ("c", {})):
            failure = self.refused(
                "ConditionalCheckFailedException",
                self.client.delete_item,
                TableName=self.name,
                Key={"Id": {"S": key}},
                ConditionExpression="attribute_exists(Nothing)",
                **more,
            )
            self.assertNotIn("Item", failure.response)

    def test_faulty_conditions_are_validation_errors(self):
        for condition in ("Age =", "attribute_exists()", "nonsense(Age)", "Age = :missing", "(Age = Age"):
            with self.subTest(condition):
                message = self.message(
                    "ValidationException",
                    self.client.put_item,
                    TableName=self.name,
                    Item=self.item,
                    ConditionExpression=condition,
                )
                self.assertIn("Invalid ConditionExpression: ", message)


if __name__ == "__main__":
    unittest.main()

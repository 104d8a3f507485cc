"""boto3's client: Query and Scan on tables and indexes, their filters, pages and paginators."""

import unittest

from support import TableCase, composite, orders


class Reads(TableCase):
    """Ten orders of each of three customers; the odd ones are open, which a sparse index shows."""

    schema = orders()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for customer in ("ann", "bob", "cid"):
            writes = []
            for i in range(10):
                item = {
                    "Customer": {"S": customer},
                    "Number": {"N": str(i)},
                    "Total": {"N": str(100 - i)},
                    "Note": {"S": f"order {i} of {customer}"},
                    "Tags": {"SS": ["even", "small"] if i % 2 == 0 else ["odd"]},
                }
                if i % 2:
                    item["Open"] = {"S": "yes"}
                writes.append(dict(PutRequest=dict(Item=item)))
            cls.client.batch_write_item(RequestItems={cls.name: writes})

    def query(self, condition, values, **more):
        return self.client.query(
            TableName=self.name, KeyConditionExpression=condition, ExpressionAttributeValues=values, **more
        )

    def numbers(self, reply):
        return [int(item["Number"]["N"]) for item in reply["Items"]]


class Query(Reads):
    def test_a_partition_comes_in_the_order_of_its_sort_key(self):
        ann = {":c": {"S": "ann"}}
        self.assertEqual(self.numbers(self.query("Customer = :c", ann)), list(range(10)))
        backward = self.query("Customer = :c", ann, ScanIndexForward=False)
        self.assertEqual(self.numbers(backward), list(range(9, -1, -1)))

    def test_conditions_on_the_sort_key(self):
        for condition, bounds, expected in (
            ("#n = :a", (4,), [4]),
            ("#n < :a", (3,), [0, 1, 2]),
            ("#n <= :a", (2,), [0, 1, 2]),
            ("#n > :a", (7,), [8, 9]),
            ("#n >= :a", (8,), [8, 9]),
            ("#n BETWEEN :a AND :b", (3, 5), [3, 4, 5]),
        ):
            with self.subTest(condition):
                values = {":c": {"S": "bob"}} | {p: {"N": str(n)} for p, n in zip((":a", ":b"), bounds)}
                reply = self.query(
                    f"Customer = :c AND {condition}", values, ExpressionAttributeNames={"#n": "Number"}
                )
                self.assertEqual(self.numbers(reply), expected)

    def test_pages_end_where_limit_says_and_go_on_from_their_key(self):
        seen, start = [], {}
        while True:
            reply = self.query("Customer = :c", {":c": {"S": "cid"}}, Limit=3, **start)
            self.assertLessEqual(reply["Count"], 3)
            seen += self.numbers(reply)
            if "LastEvaluatedKey" not in reply:
                break
            self.assertEqual(reply["LastEvaluatedKey"], {"Customer": {"S": "cid"}, "Number": {"N": str(seen[-1])}})
            start = dict(ExclusiveStartKey=reply["LastEvaluatedKey"])
        self.assertEqual(seen, list(range(10)))

    def test_a_filter_reads_more_than_it_returns(self):
        reply = self.query(
            "Customer = :c",
            {":c": {"S": "ann"}, ":t": {"S": "odd"}},
            FilterExpression="contains(Tags, :t)",
            ReturnConsumedCapacity="TOTAL",
        )
        self.assertEqual((reply["Count"], reply["ScannedCount"]), (5, 10))
        self.assertEqual(self.numbers(reply), [1, 3, 5, 7, 9])
        self.assertEqual(reply["ConsumedCapacity"], {"TableName": self.name, "CapacityUnits": 0.5})

    def test_count_returns_no_items(self):
        reply = self.query("Customer = :c", {":c": {"S": "ann"}}, Select="COUNT")
        self.assertEqual((reply["Count"], reply["ScannedCount"]), (10, 10))
        self.assertNotIn("Items", reply)

    def test_a_projection_leaves_the_rest_out(self):
        reply = self.query("Customer = :c", {":c": {"S": "ann"}}, Limit=1, ProjectionExpression="Note")
        self.assertEqual(reply["Items"], [{"Note": {"S": "order 0 of ann"}}])

    def test_a_global_index_is_sparse_and_has_its_projection(self):
        reply = self.query("#o = :y AND #t > :t", {":y": {"S": "yes"}, ":t": {"N": "98"}},
                           IndexName="ByOpen", ExpressionAttributeNames={"#o": "Open", "#t": "Total"})
        self.assertEqual(reply["Count"], 3)
        for item in reply["Items"]:
            self.assertEqual(set(item), {"Customer", "Number", "Open", "Total", "Note"})

    def test_a_local_index_reads_its_own_order_and_fetches_what_it_lacks(self):
        keys_only = self.query("Customer = :c", {":c": {"S": "ann"}}, IndexName="ByTotal", ConsistentRead=True)
        self.assertEqual(self.numbers(keys_only), list(range(9, -1, -1)))
        self.assertEqual(set(keys_only["Items"][0]), {"Customer", "Number", "Total"})
        whole = self.query("Customer = :c", {":c": {"S": "ann"}}, IndexName="ByTotal", Select="ALL_ATTRIBUTES", Limit=1)
        self.assertEqual(whole["Items"][0]["Note"], {"S": "order 9 of ann"})

    def test_what_a_query_must_and_must_not_have(self):
        values = {":c": {"S": "ann"}}
        query = self.client.query
        for expected, more in (
            ("Query condition missed key schema element: Customer", dict(KeyConditionExpression="Note = :c")),
            ("Query key condition not supported", dict(KeyConditionExpression="Customer > :c")),
            ("The table does not have the specified index: Nope",
             dict(KeyConditionExpression="Customer = :c", IndexName="Nope")),
        ):
            with self.subTest(expected):
                message = self.message(
                    "ValidationException", query, TableName=self.name, ExpressionAttributeValues=values, **more
                )
                self.assertEqual(message, expected)
        message = self.message(
            "ValidationException",
            query,
            TableName=self.name,
            IndexName="ByOpen",
            KeyConditionExpression="#o = :c",
            ExpressionAttributeNames={"#o": "Open"},
            ExpressionAttributeValues=values,
            ConsistentRead=True,
        )
        self.assertEqual(message, "Consistent reads are not supported on global secondary indexes")

    def test_the_paginator_joins_the_pages(self):
        def pages():
            return self.client.get_paginator("query").paginate(
                TableName=self.name,
                KeyConditionExpression="Customer = :c",
                ExpressionAttributeValues={":c": {"S": "bob"}},
                PaginationConfig=dict(PageSize=4),
            )

        self.assertEqual([page["Count"] for page in pages()], [4, 4, 2])
        self.assertEqual([int(n) for n in pages().search("Items[].Number.N")], list(range(10)))


class Scan(Reads):
    def test_a_scan_sees_every_item_once(self):
        pages = self.client.get_paginator("scan").paginate(TableName=self.name, PaginationConfig=dict(PageSize=7))
        found = [(i["Customer"]["S"], i["Number"]["N"]) for page in pages for i in page["Items"]]
        self.assertEqual(len(found), 30)
        self.assertEqual(len(set(found)), 30)

    def test_segments_divide_the_table(self):
        found = []
        for segment in range(4):
            reply = self.client.scan(TableName=self.name, Segment=segment, TotalSegments=4)
            found += [(i["Customer"]["S"], i["Number"]["N"]) for i in reply["Items"]]
        self.assertEqual(len(found), 30)
        self.assertEqual(len(set(found)), 30)

    def test_filters_projections_and_counts(self):
        more = dict(
            TableName=self.name,
            FilterExpression="#n BETWEEN :a AND :b AND begins_with(Note, :o)",
            ExpressionAttributeNames={"#n": "Number"},
            ExpressionAttributeValues={":a": {"N": "2"}, ":b": {"N": "3"}, ":o": {"S": "order"}},
        )
        reply = self.client.scan(**more, ProjectionExpression="#n")
        self.assertEqual(sorted(i["Number"]["N"] for i in reply["Items"]), ["2", "2", "2", "3", "3", "3"])
        self.assertEqual(set().union(*reply["Items"]), {"Number"})
        reply = self.client.scan(**more, Select="COUNT")
        self.assertEqual((reply["Count"], reply["ScannedCount"]), (6, 30))

    def test_an_index_is_scanned_too(self):
        reply = self.client.scan(TableName=self.name, IndexName="ByOpen")
        self.assertEqual(reply["Count"], 15)

    def test_a_segment_needs_its_total(self):
        message = self.message("ValidationException", self.client.scan, TableName=self.name, Segment=0)
        self.assertEqual(
            message,
            "The TotalSegments parameter is required but was not present in the request when Segment parameter is present",
        )

    def test_legacy_filters_still_work(self):
        reply = self.client.scan(
            TableName=self.name,
            ScanFilter={"Number": dict(ComparisonOperator="EQ", AttributeValueList=[{"N": "5"}])},
            AttributesToGet=["Customer"],
        )
        self.assertEqual(sorted(i["Customer"]["S"] for i in reply["Items"]), ["ann", "bob", "cid"])


class LargePages(TableCase):
    schema = composite("P", "S", "N")

    def test_a_page_ends_at_a_megabyte(self):
        for i in range(12):
            item = {"P": {"S": "p"}, "S": {"N": str(i)}, "Body": {"B": bytes(100 * 1024)}}
            self.client.put_item(TableName=self.name, Item=item)
        for call, more in (
            (self.client.query, dict(KeyConditionExpression="P = :p", ExpressionAttributeValues={":p": {"S": "p"}})),
            (self.client.scan, {}),
        ):
            first = call(TableName=self.name, **more)
            self.assertIn("LastEvaluatedKey", first)
            self.assertLess(first["Count"], 12)
            self.assertGreaterEqual(first["Count"], 10)
            rest = call(TableName=self.name, ExclusiveStartKey=first["LastEvaluatedKey"], **more)
            self.assertNotIn("LastEvaluatedKey", rest)
            self.assertEqual(first["Count"] + rest["Count"], 12)


if __name__ == "__main__":
    unittest.main()

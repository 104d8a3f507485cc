"""The writers: eight processes with items of their own and counters that they share.

    writers.py create TABLE
    writers.py write TABLE CHANGES FILE     what every item has gone through is left in FILE
    writers.py disable TABLE

An item's version `v` rises with each change. While they write, the setting dynamo.stream_shards is raised step by step.
"""

import json
import multiprocessing
import random
import subprocess
import sys
import time
from collections import defaultdict

import boto3
from botocore.config import Config

WRITERS = 8
ITEMS = 40
COUNTERS = 12


def client():
    # A request that is sent twice could change a counter twice.
    return boto3.client("dynamodb", config=Config(retries=dict(total_max_attempts=1)))


class Writer:
    """One of the writers: `history` has [event, old version, new version] of each change, by item."""

    def __init__(self, table, number, changes, made):
        self.table, self.number, self.changes, self.made = table, number, changes, made
        self.random = random.Random(number)
        self.client = client()
        self.versions = {}
        self.there = set()
        self.history = defaultdict(list)
        self.added = defaultdict(int)

    def run(self):
        ways = [self.put, self.delete, self.add, self.change_nothing, self.batch, self.transact]
        left = self.changes
        while left:
            way = self.random.choices(ways, weights=[40, 12, 25, 3, 10, 10])[0]
            done = way(left)
            left -= done
            with self.made.get_lock():
                self.made.value += done

    def own(self, most):
        return self.random.sample(range(ITEMS), self.random.randint(1, min(most, ITEMS)))

    def key(self, item):
        return {"pk": {"S": f"{self.number}-{item // 2}"}, "sk": {"N": str(item % 2)}}

    def name(self, item):
        return f"{self.number}-{item // 2}/{item % 2}"

    def next_put(self, item):
        """The item with its next version, which is noted as written."""
        old = self.versions.get(item, 0) if item in self.there else None
        self.versions[item] = self.versions.get(item, 0) + 1
        self.history[self.name(item)].append(["INSERT" if old is None else "MODIFY", old, self.versions[item]])
        self.there.add(item)
        return self.item(item)

    def item(self, item):
        return self.key(item) | {"v": {"N": str(self.versions[item])}, "text": {"S": "x" * (item * 10)}}

    def next_delete(self, item):
        self.history[self.name(item)].append(["REMOVE", self.versions[item], None])
        self.there.remove(item)
        return self.key(item)

    def put(self, _):
        self.client.put_item(TableName=self.table, Item=self.next_put(self.own(1)[0]))
        return 1

    def delete(self, left):
        if not self.there:
            return self.put(left)
        item = self.random.choice(sorted(self.there))
        self.client.delete_item(TableName=self.table, Key=self.next_delete(item))
        return 1

    def add(self, _):
        counter = self.random.randrange(COUNTERS)
        self.client.update_item(
            TableName=self.table,
            Key={"pk": {"S": f"counter-{counter}"}, "sk": {"N": "0"}},
            UpdateExpression="ADD v :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )
        self.added[f"counter-{counter}/0"] += 1
        return 1

    def change_nothing(self, _):
        item = self.own(1)[0]
        if item in self.there:
            self.client.put_item(TableName=self.table, Item=self.item(item))
        else:
            self.client.delete_item(TableName=self.table, Key=self.key(item))
        return 0

    def batch(self, left):
        requests = []
        for item in self.own(min(25, left)):
            if item in self.there and self.random.random() < 0.2:
                requests.append({"DeleteRequest": {"Key": self.next_delete(item)}})
            else:
                requests.append({"PutRequest": {"Item": self.next_put(item)}})
        reply = self.client.batch_write_item(RequestItems={self.table: requests})
        assert not reply["UnprocessedItems"], reply
        return len(requests)

    def transact(self, left):
        actions = []
        for item in self.own(min(10, left)):
            if item in self.there and self.random.random() < 0.2:
                actions.append({"Delete": {"TableName": self.table, "Key": self.next_delete(item)}})
            else:
                actions.append({"Put": {"TableName": self.table, "Item": self.next_put(item)}})
        self.client.transact_write_items(TransactItems=actions)
        return len(actions)


def work(table, number, changes, made, results):
    writer = Writer(table, number, changes, made)
    writer.run()
    results.put((dict(writer.history), dict(writer.added)))


def more_shards(number):
    sql = f"ALTER SYSTEM SET dynamo.stream_shards = {number}"
    subprocess.run(["psql", "-X", "-q", "-c", sql, "-c", "SELECT pg_reload_conf()"], check=True, stdout=subprocess.DEVNULL)


def write(table, changes, file):
    made, results = multiprocessing.Value("q", 0), multiprocessing.Queue()
    writers = [
        multiprocessing.Process(target=work, args=(table, number, changes // WRITERS, made, results))
        for number in range(WRITERS)
    ]
    began = time.monotonic()
    for writer in writers:
        writer.start()
    steps = [(changes // 5, 2), (2 * changes // 5, 3), (3 * changes // 5, 8)]
    histories, added = {}, defaultdict(int)
    finished = 0
    while finished < WRITERS:
        if steps and made.value >= steps[0][0]:
            more_shards(steps.pop(0)[1])
        assert all(writer.exitcode in (None, 0) for writer in writers), "a writer has died"
        if results.empty():
            time.sleep(0.02)
            continue
        history, counters = results.get()
        finished += 1
        histories |= history
        for name, count in counters.items():
            added[name] += count
    for name, count in added.items():
        steps_of = [[("MODIFY" if n else "INSERT"), n or None, n + 1] for n in range(count)]
        histories[name] = steps_of
    print(f"{made.value} changes in {time.monotonic() - began:.1f} s")
    with open(file, "w") as out:
        json.dump(histories, out)


def wait(table):
    client().get_waiter("table_exists").wait(TableName=table, WaiterConfig=dict(Delay=1))


def main(action, table, *more):
    if action == "create":
        client().create_table(
            TableName=table,
            AttributeDefinitions=[
                dict(AttributeName="pk", AttributeType="S"),
                dict(AttributeName="sk", AttributeType="N"),
            ],
            KeySchema=[dict(AttributeName="pk", KeyType="HASH"), dict(AttributeName="sk", KeyType="RANGE")],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification=dict(StreamEnabled=True, StreamViewType="NEW_AND_OLD_IMAGES"),
        )
        wait(table)
    elif action == "write":
        write(table, int(more[0]), more[1])
    else:
        client().update_table(TableName=table, StreamSpecification=dict(StreamEnabled=False))
        wait(table)


if __name__ == "__main__":
    main(*sys.argv[1:])

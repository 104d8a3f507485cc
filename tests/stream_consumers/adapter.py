"""A consumer that goes about it as the Kinesis adapter does: adapter.py TABLE FILE.

Workers share the shards by leases, which are items of a table: a checkpoint, an owner and a counter. Shards are listed by
DescribeStream, page by page; open ones and their ancestors get a lease at TRIM_HORIZON; a shard is read when its parent's
lease is at SHARD_END; at the end of a shard its children are asked for by ShardFilter and get leases. A worker that finds
fewer leases with itself than with another takes one over, and those of workers that no longer renew theirs: two of the
workers die in the middle of a page. What a page had counts when the checkpoint behind it was accepted.
"""

import random
import sys
import threading
import time

import boto3
import consumer
from botocore.exceptions import ClientError

WORKERS = 3
DEATHS = 2
# After so many records, the next worker dies.
LIFE = 1000
# Seconds: between looks for shards that nobody has told of; between renewals of leases; without renewal, until a lease is
# anybody's.
SYNC, RENEWAL, EXPIRY = 1, 0.5, 3
END = "SHARD_END"


class Leases:
    """The table of leases."""

    def __init__(self, table):
        self.client = boto3.client("dynamodb")
        self.table = table

    def create_table(self):
        self.client.create_table(
            TableName=self.table,
            AttributeDefinitions=[dict(AttributeName="leaseKey", AttributeType="S")],
            KeySchema=[dict(AttributeName="leaseKey", KeyType="HASH")],
            BillingMode="PAY_PER_REQUEST",
        )
        self.client.get_waiter("table_exists").wait(TableName=self.table, WaiterConfig=dict(Delay=1))

    def list(self):
        pages = self.client.get_paginator("scan").paginate(TableName=self.table, ConsistentRead=True)
        return {item["leaseKey"]["S"]: item for page in pages for item in page["Items"]}

    def create(self, shard):
        """A lease at TRIM_HORIZON, unless there is one."""
        lease = {"leaseKey": {"S": shard["ShardId"]}, "checkpoint": {"S": "TRIM_HORIZON"}, "leaseCounter": {"N": "0"}}
        if "ParentShardId" in shard:
            lease["parentShardId"] = {"SS": [shard["ParentShardId"]]}
        self.conditionally(self.client.put_item, Item=lease, ConditionExpression="attribute_not_exists(leaseKey)")

    def take(self, lease, worker):
        """Makes it the worker's, if nobody else has touched it meanwhile."""
        return self.update(
            lease["leaseKey"]["S"],
            "SET leaseOwner = :worker ADD leaseCounter :one",
            "leaseCounter = :seen",
            {":worker": {"S": worker}, ":seen": lease["leaseCounter"]},
        )

    def renew(self, shard, worker, checkpoint=None):
        """Notes a checkpoint. False: the lease is somebody else's."""
        change, values = "ADD leaseCounter :one", {":worker": {"S": worker}}
        if checkpoint:
            change, values = f"SET checkpoint = :checkpoint {change}", values | {":checkpoint": {"S": checkpoint}}
        return self.update(shard, change, "leaseOwner = :worker", values)

    def update(self, shard, change, condition, values):
        return self.conditionally(
            self.client.update_item,
            Key={"leaseKey": {"S": shard}},
            UpdateExpression=change,
            ConditionExpression=condition,
            ExpressionAttributeValues=values | {":one": {"N": "1"}},
        )

    def conditionally(self, call, **request):
        try:
            call(TableName=self.table, **request)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
                raise
            return False
        return True


class Application:
    """What the workers have in common: the stream, and the records that count."""

    def __init__(self, table, file):
        self.streams = consumer.client()
        self.arn = consumer.stream_of(self.streams, table)
        self.leases = Leases(f"{table}-leases")
        self.notes = consumer.Notes(file)
        # Held from a checkpoint until its records are noted, so that the next owner's come behind them.
        self.lock = threading.Lock()
        self.complete = threading.Event()
        # Whether the stream is disabled, so that the leases there are will be all; and when that was found.
        self.over, self.synced = False, 0
        self.deaths = 0
        self.taken_over = 0

    def sync_when_due(self):
        """By one worker at a time."""
        with self.lock:
            if self.over or time.monotonic() - self.synced < SYNC:
                return
            self.synced = time.monotonic()
        self.sync()

    def sync(self):
        """Leases for open shards and their ancestors that have none."""
        # Few on a page, so that there are pages.
        status, listed = consumer.describe(self.streams, self.arn, limit=7)
        shards = {shard["ShardId"]: shard for shard in listed}
        parents = {shard.get("ParentShardId") for shard in listed}
        # Pages are of different times: a shard that has children is closed, whatever its page said. When the stream is
        # disabled those without children are read as if they were open.
        leaves = [
            shard
            for id, shard in shards.items()
            if id not in parents and (status == "DISABLED" or "EndingSequenceNumber" not in shard["SequenceNumberRange"])
        ]
        closed = [id for id in shards if id not in parents and shards[id] not in leaves]
        # Unless the stream has been disabled since, a shard that closes has children at once.
        assert not closed or self.status() != "ENABLED", f"closed without children: {closed}"
        known = self.leases.list()
        for shard in leaves:
            missing = []
            while shard and shard["ShardId"] not in known:
                missing.append(shard)
                shard = shards.get(shard.get("ParentShardId"))
            for shard in sorted(missing, key=lambda shard: int(shard["SequenceNumberRange"]["StartingSequenceNumber"])):
                self.leases.create(shard)
        self.over = status == "DISABLED"

    def status(self):
        return self.streams.describe_stream(StreamArn=self.arn, Limit=1)["StreamDescription"]["StreamStatus"]

    def count(self, worker, shard, records, checkpoint):
        """Notes records if the checkpoint behind them is accepted."""
        with self.lock:
            if not self.leases.renew(shard, worker, checkpoint):
                return False
            self.notes.add(shard, records)
            return True

    def dies(self):
        with self.lock:
            due = self.deaths < DEATHS and self.notes.count > LIFE * (self.deaths + 1)
            self.deaths += due
            return due


class Worker(threading.Thread):
    def __init__(self, application, name):
        super().__init__(name=name)
        self.application, self.leases = application, application.leases
        self.streams = consumer.client()
        self.random = random.Random(name)
        # Iterators of the shards that are being read.
        self.reading = {}
        self.renewed = 0
        # Counters of other workers' leases, and since when they are known.
        self.seen = {}
        self.failure = None

    def run(self):
        try:
            while self.work():
                pass
        except Exception as failure:
            self.failure = failure
            self.application.complete.set()
            raise

    def work(self):
        """One round. False when there is nothing left, or the worker is dead."""
        if self.application.complete.is_set():
            return False
        self.application.sync_when_due()
        over, known = self.application.over, self.leases.list()
        unfinished = {shard: lease for shard, lease in known.items() if lease["checkpoint"]["S"] != END}
        if over and not unfinished:
            self.application.complete.set()
            return False
        self.take_leases(unfinished)
        mine = {shard: lease for shard, lease in unfinished.items() if self.owner(lease) == self.name}
        self.reading = {shard: iterator for shard, iterator in self.reading.items() if shard in mine}
        if time.monotonic() - self.renewed > RENEWAL:
            self.renewed = time.monotonic()
            for shard in mine:
                self.leases.renew(shard, self.name)
        before = self.application.notes.count
        for shard, lease in mine.items():
            if any(parent in unfinished for parent in lease.get("parentShardId", {}).get("SS", [])):
                continue
            if self.application.dies():
                # With what it has read and not checkpointed; its leases stay with it.
                self.page(shard, lease)
                return False
            while self.read(shard, lease):
                pass
        if before == self.application.notes.count:
            time.sleep(0.05)
        return True

    def owner(self, lease):
        return lease.get("leaseOwner", {}).get("S")

    def take_leases(self, unfinished):
        """Free ones, those of the dead, and one of who has more."""
        now, owned = time.monotonic(), {}
        for shard, lease in unfinished.items():
            owner, counter = self.owner(lease), lease["leaseCounter"]["N"]
            if self.seen.get(shard, ("", 0))[0] != counter:
                self.seen[shard] = (counter, now)
            stale = owner not in (None, self.name) and now - self.seen[shard][1] > EXPIRY
            if (owner is None or stale) and self.leases.take(lease, self.name):
                self.application.taken_over += stale
            owned.setdefault(owner, []).append(lease)
        richest = max((name for name in owned if name), key=lambda name: len(owned[name]), default=None)
        if richest and len(owned[richest]) > len(owned.get(self.name, [])) + 1:
            self.application.taken_over += self.leases.take(self.random.choice(owned[richest]), self.name)

    def page(self, shard, lease, limit=1000):
        iterator = self.reading.get(shard)
        if iterator is None:
            checkpoint = lease["checkpoint"]["S"]
            where = dict(ShardIteratorType="TRIM_HORIZON")
            if checkpoint != "TRIM_HORIZON":
                where = dict(ShardIteratorType="AFTER_SEQUENCE_NUMBER", SequenceNumber=checkpoint)
            reply = self.streams.get_shard_iterator(StreamArn=self.application.arn, ShardId=shard, **where)
            iterator = reply["ShardIterator"]
        return self.streams.get_records(ShardIterator=iterator, Limit=limit)

    def read(self, shard, lease):
        """Reads a page. Answers whether there may be another at once."""
        limit = self.random.choice([20, 200, 1000])
        page = self.page(shard, lease, limit)
        records, following = page["Records"], page.get("NextShardIterator")
        checkpoint = records[-1]["dynamodb"]["SequenceNumber"] if records else None
        self.reading[shard] = following
        if following is None:
            # First the children's leases: nobody would ask for them again.
            for child in self.children(shard):
                self.leases.create(child)
            checkpoint = END
        if not self.application.count(self.name, shard, records, checkpoint) or following is None:
            self.reading.pop(shard, None)
            return False
        return len(records) == limit

    def children(self, shard):
        _, children = consumer.describe(
            self.streams, self.application.arn, ShardFilter=dict(Type="CHILD_SHARDS", ShardId=shard)
        )
        assert all(child["ParentShardId"] == shard for child in children)
        return children


def main(table, file):
    application = Application(table, file)
    application.leases.create_table()
    workers = [Worker(application, f"worker-{number}") for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    # Who dies is replaced.
    while not application.complete.wait(0.05):
        living = [worker for worker in workers if worker.is_alive()]
        if len(living) < WORKERS and not application.complete.is_set():
            workers.append(Worker(application, f"worker-{len(workers)}"))
            workers[-1].start()
    for worker in workers:
        worker.join()
        if worker.failure:
            raise SystemExit(f"{worker.name}: {worker.failure!r}")
    application.notes.close()
    assert application.deaths == DEATHS, "not one of them died"
    shards = len(application.leases.list())
    print(
        f"adapter.py: {application.notes.count} records of {shards} shards, "
        f"{application.deaths} workers died, {application.taken_over} leases taken over"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

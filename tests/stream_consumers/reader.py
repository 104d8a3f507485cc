"""A consumer with boto3, as small as one may be: reader.py TABLE FILE.

It reads a shard when it has read its parent to the end, all that are due in turn, until the stream is disabled and read.
"""

import sys
import time

import consumer


def main(table, file):
    streams = consumer.client()
    arn = consumer.stream_of(streams, table)
    notes = consumer.Notes(file)
    iterators, finished = {}, set()
    while True:
        # In this order: a stream that is disabled gets no more shards.
        status, shards = consumer.describe(streams, arn)
        known = {shard["ShardId"] for shard in shards}
        for shard in shards:
            id, parent = shard["ShardId"], shard.get("ParentShardId")
            if id not in iterators and id not in finished and (parent not in known or parent in finished):
                reply = streams.get_shard_iterator(StreamArn=arn, ShardId=id, ShardIteratorType="TRIM_HORIZON")
                iterators[id] = reply["ShardIterator"]
        if not iterators and status == "DISABLED" and known <= finished:
            break
        read = notes.count
        for id in list(iterators):
            page = streams.get_records(ShardIterator=iterators[id])
            notes.add(id, page["Records"])
            iterators[id] = page.get("NextShardIterator")
            if iterators[id] is None:
                del iterators[id]
                finished.add(id)
        if read == notes.count:
            time.sleep(0.05)
    notes.close()
    print(f"reader.py: {notes.count} records of {len(finished)} shards")


if __name__ == "__main__":
    main(*sys.argv[1:])

// A consumer with the AWS SDK for JavaScript v3: reader.mjs TABLE FILE. All shards at once, each as soon as its parent has
// been read to the end, until the stream is disabled and read.
import { createWriteStream } from 'node:fs'
import { DescribeTableCommand, DynamoDBClient } from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand, DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'

const [TableName, file] = process.argv.slice(2)
const client = new DynamoDBClient({})
const streams = new DynamoDBStreamsClient({})
const { Table: { LatestStreamArn: StreamArn } } = await client.send(new DescribeTableCommand({ TableName }))
const out = createWriteStream(file)
const pause = () => new Promise((resolve) => { setTimeout(resolve, 100) })
const version = (image) => (image ? Number(image.v.N) : null)
let count = 0

const note = (shard, { eventID, eventName, dynamodb: { SequenceNumber, Keys, OldImage, NewImage } }) => {
  count += 1
  const line = [shard, SequenceNumber, eventID, eventName, `${Keys.pk.S}/${Keys.sk.N}`, version(OldImage), version(NewImage)]
  out.write(`${JSON.stringify(line)}\n`)
}

const read = async (ShardId) => {
  let { ShardIterator } = await streams.send(new GetShardIteratorCommand({
    StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON',
  }))
  while (ShardIterator) {
    const page = await streams.send(new GetRecordsCommand({ ShardIterator }))
    for (const record of page.Records) note(ShardId, record)
    ShardIterator = page.NextShardIterator
    if (!page.Records.length) await pause()
  }
}

// Shards that are being read, or were, by id.
const reading = new Map()
const discover = async () => {
  let status, ExclusiveStartShardId
  do {
    const { StreamDescription } = await streams.send(new DescribeStreamCommand({ StreamArn, ExclusiveStartShardId }))
    status ??= StreamDescription.StreamStatus
    // Parents are listed before their children.
    for (const { ShardId, ParentShardId } of StreamDescription.Shards) {
      if (!reading.has(ShardId)) reading.set(ShardId, Promise.resolve(reading.get(ParentShardId)).then(() => read(ShardId)))
    }
    ExclusiveStartShardId = StreamDescription.LastEvaluatedShardId
  } while (ExclusiveStartShardId)
  return status
}

while (await discover() !== 'DISABLED') await pause()
await Promise.all(reading.values())
out.end()
client.destroy()
streams.destroy()
console.log(`reader.mjs: ${count} records of ${reading.size} shards`)

// The client of DynamoDB Streams in the AWS SDK for JavaScript v3: streams, shards, iterators and records.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  DeleteItemCommand, DescribeTableCommand, PutItemCommand, TransactWriteItemsCommand, UpdateTableCommand,
} from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand, DynamoDBStreamsClient, GetRecordsCommand, GetShardIteratorCommand, ListStreamsCommand,
} from '@aws-sdk/client-dynamodb-streams'
import { createTable, deleteTable, newClient } from './support.mjs'

const client = newClient()
const streams = new DynamoDBStreamsClient({})
const tables = []

after(async () => {
  for (const table of tables) await deleteTable(client, table)
  client.destroy()
  streams.destroy()
})

const describeTable = async (TableName) => (await client.send(new DescribeTableCommand({ TableName }))).Table

// A table with a stream: its name and the stream's ARN.
const withStream = async (name, StreamViewType = 'NEW_AND_OLD_IMAGES') => {
  const table = await createTable(client, name, { pk: 'S', sk: 'N' }, {
    StreamSpecification: { StreamEnabled: true, StreamViewType },
  })
  tables.push(table)
  return { table, arn: (await describeTable(table)).LatestStreamArn }
}

const item = (sk, more = {}) => ({ pk: { S: 'p' }, sk: { N: String(sk) }, ...more })
const put = (TableName, sk, more) => client.send(new PutItemCommand({ TableName, Item: item(sk, more) }))
const remove = (TableName, sk) => client.send(new DeleteItemCommand({ TableName, Key: item(sk) }))
const describeStream = async (StreamArn, more = {}) =>
  (await streams.send(new DescribeStreamCommand({ StreamArn, ...more }))).StreamDescription

const iteratorOf = async (StreamArn, ShardId, ShardIteratorType = 'TRIM_HORIZON', more = {}) =>
  (await streams.send(new GetShardIteratorCommand({ StreamArn, ShardId, ShardIteratorType, ...more }))).ShardIterator

const until = async (holds) => {
  for (const end = Date.now() + 60_000; ;) {
    const answer = await holds()
    if (answer) return answer
    assert.ok(Date.now() < end, 'does not become true')
    await new Promise((resolve) => { setTimeout(resolve, 50) })
  }
}

// Reads all shards from their beginning, again and again, until there are so many records.
const records = (arn, wanted) => until(async () => {
  const found = []
  for (const { ShardId } of (await describeStream(arn)).Shards) {
    let ShardIterator = await iteratorOf(arn, ShardId)
    while (ShardIterator) {
      const page = await streams.send(new GetRecordsCommand({ ShardIterator, Limit: 2 }))
      found.push(...page.Records)
      if (!page.Records.length) break
      ShardIterator = page.NextShardIterator
    }
  }
  return found.length >= wanted && found
})

const told = ({ eventName, dynamodb: { Keys, OldImage, NewImage } }) =>
  [eventName, Number(Keys.sk.N), OldImage?.v?.S, NewImage?.v?.S]

describe('records', () => {
  test('changes come in their order, with both images', async () => {
    const { table, arn } = await withStream('changes')
    await put(table, 1, { v: { S: 'a' } })
    await put(table, 1, { v: { S: 'b' } })
    await put(table, 1, { v: { S: 'b' } })
    await remove(table, 1)
    const found = await records(arn, 3)
    assert.deepEqual(found.map(told), [
      ['INSERT', 1, undefined, 'a'], ['MODIFY', 1, 'a', 'b'], ['REMOVE', 1, 'b', undefined],
    ])
    assert.ok(found.every((r) => r.eventSource === 'aws:dynamodb' && r.dynamodb.StreamViewType === 'NEW_AND_OLD_IMAGES'))
    assert.equal(new Set(found.map((r) => r.eventID)).size, 3)
    const numbers = found.map((r) => BigInt(r.dynamodb.SequenceNumber))
    assert.ok(numbers[0] < numbers[1] && numbers[1] < numbers[2])
    assert.ok(Math.abs(Date.now() - found[0].dynamodb.ApproximateCreationDateTime.getTime()) < 120_000)
  })

  test('binary and nested values are what was written', async () => {
    const { table, arn } = await withStream('values', 'NEW_IMAGE')
    const more = {
      bytes: { B: Uint8Array.from({ length: 256 }, (_, i) => i) },
      nested: { M: { list: { L: [{ N: '12345678901234567890.123456789012345678' }, { NULL: true }] } } },
    }
    await put(table, 1, more)
    const [{ dynamodb }] = await records(arn, 1)
    assert.deepEqual(Buffer.from(dynamodb.NewImage.bytes.B), Buffer.from(more.bytes.B))
    assert.deepEqual(dynamodb.NewImage.nested, more.nested)
    assert.equal(dynamodb.OldImage, undefined)
  })

  test('a transaction is there as a whole', async () => {
    const { table, arn } = await withStream('transaction')
    await client.send(new TransactWriteItemsCommand({
      TransactItems: [1, 2, 3].map((sk) => ({ Put: { TableName: table, Item: item(sk, { v: { S: 't' } }) } })),
    }))
    const found = await records(arn, 3)
    assert.deepEqual(found.map(told).sort(), [1, 2, 3].map((sk) => ['INSERT', sk, undefined, 't']))
  })
})

describe('streams', () => {
  let table, arn
  before(async () => { ({ table, arn } = await withStream('described', 'KEYS_ONLY')) })

  test('a stream is listed and described', async () => {
    const listed = await streams.send(new ListStreamsCommand({ TableName: table }))
    assert.deepEqual(listed.Streams, [{ StreamArn: arn, TableName: table, StreamLabel: arn.split('/stream/')[1] }])
    assert.equal(listed.LastEvaluatedStreamArn, undefined)
    const stream = await describeStream(arn)
    assert.equal(stream.StreamStatus, 'ENABLED')
    assert.equal(stream.StreamViewType, 'KEYS_ONLY')
    assert.ok(stream.CreationRequestDateTime instanceof Date)
    const [first, ...others] = stream.Shards
    const page = await describeStream(arn, { Limit: 1 })
    assert.deepEqual(page.Shards, [first])
    assert.equal(page.LastEvaluatedShardId, others.length ? first.ShardId : undefined)
    const children = await describeStream(arn, { ShardFilter: { Type: 'CHILD_SHARDS', ShardId: first.ShardId } })
    assert.deepEqual(children.Shards, [])
  })

  test('reading goes on after a record', async () => {
    for (const sk of [1, 2, 3]) await put(table, sk)
    const numbers = (await records(arn, 3)).map((r) => r.dynamodb.SequenceNumber)
    const from = async (kind) => {
      for (const { ShardId } of (await describeStream(arn)).Shards) {
        const iterator = await iteratorOf(arn, ShardId, kind, { SequenceNumber: numbers[1] })
        const page = await streams.send(new GetRecordsCommand({ ShardIterator: iterator }))
        if (page.Records.length) return page.Records.map((r) => r.dynamodb.SequenceNumber)
      }
      return []
    }
    assert.deepEqual(await from('AT_SEQUENCE_NUMBER'), numbers.slice(1))
    assert.deepEqual(await from('AFTER_SEQUENCE_NUMBER'), numbers.slice(2))
  })

  test('errors have their classes', async () => {
    const missing = `${arn.slice(0, arn.lastIndexOf('/'))}/2020-01-01T00:00:00.000`
    await assert.rejects(describeStream(missing), {
      name: 'ResourceNotFoundException', message: `Requested resource not found: Stream: ${missing} not found`,
    })
    await assert.rejects(streams.send(new GetRecordsCommand({ ShardIterator: 'none' })), {
      name: 'ValidationException', message: 'Invalid ShardIterator',
    })
    await assert.rejects(streams.send(new DescribeStreamCommand({ StreamArn: 'none' })), {
      name: 'ValidationException', message: 'Invalid StreamArn',
    })
  })

  test('a disabled stream ends', async () => {
    const over = await withStream('over')
    await put(over.table, 1)
    await client.send(new UpdateTableCommand({ TableName: over.table, StreamSpecification: { StreamEnabled: false } }))
    await until(async () => (await describeStream(over.arn)).StreamStatus === 'DISABLED')
    await until(async () => (await describeTable(over.table)).TableStatus === 'ACTIVE')
    let read = 0
    for (const { ShardId, SequenceNumberRange } of (await describeStream(over.arn)).Shards) {
      assert.ok(SequenceNumberRange.EndingSequenceNumber)
      const page = await streams.send(new GetRecordsCommand({ ShardIterator: await iteratorOf(over.arn, ShardId) }))
      assert.equal(page.NextShardIterator, undefined)
      read += page.Records.length
    }
    assert.equal(read, 1)
  })
})

// The document client of the AWS SDK for JavaScript v3: plain objects in and out.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ConditionalCheckFailedException, ResourceNotFoundException } from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand, BatchWriteCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, NumberValue, PutCommand,
  QueryCommand, ScanCommand, UpdateCommand, paginateQuery, paginateScan,
} from '@aws-sdk/lib-dynamodb'
import { createTable, deleteTable, documents, newClient, unique } from './support.mjs'

const client = newClient()
const ddb = documents(client)
let TableName

before(async () => {
  TableName = await createTable(client, 'documents', { pk: 'S', sk: 'N', color: 'S' }, {
    GlobalSecondaryIndexes: [{
      IndexName: 'by-color',
      KeySchema: [{ AttributeName: 'color', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      Projection: { ProjectionType: 'ALL' },
    }],
  })
})
after(async () => {
  await deleteTable(client, TableName)
  client.destroy()
})

const put = (Item, more = {}) => ddb.send(new PutCommand({ TableName, Item, ...more }))
const get = async (pk, sk = 0, more = {}) =>
  (await ddb.send(new GetCommand({ TableName, Key: { pk, sk }, ConsistentRead: true, ...more }))).Item

describe('values', () => {
  test('documents come back as they went', async () => {
    const item = {
      pk: 'plain', sk: 0, text: 'naïve 🐘', empty: '', yes: true, no: false, nothing: null, number: -1.5,
      list: [1, 'two', [3], { four: null }], map: { deep: { deeper: [] } },
    }
    await put({ ...item, missing: undefined })
    assert.deepEqual(await get('plain'), item)
  })

  test('sets are sets', async () => {
    await put({ pk: 'sets', sk: 0, strings: new Set(['b', 'a']), numbers: new Set([2, 1.5]) })
    const item = await get('sets')
    assert.deepEqual(item.strings, new Set(['a', 'b']))
    assert.deepEqual(item.numbers, new Set([1.5, 2]))
  })

  test('binary is bytes, alone, in sets and empty', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
    await put({ pk: 'binary', sk: 0, bytes, none: new Uint8Array(), set: new Set([bytes.slice(0, 1), bytes.slice(9)]) })
    const item = await get('binary')
    assert.deepEqual(Buffer.from(item.bytes), Buffer.from(bytes))
    assert.equal(item.none.length, 0)
    assert.deepEqual([...item.set].map((b) => b.length).sort((a, b) => a - b), [1, 247])
  })

  test('numbers beyond a double keep their digits', async () => {
    const digits = '12345678901234567890.123456789012345678'
    await put({ pk: 'digits', sk: 0, n: NumberValue.from(digits) })
    // A base client of its own: the SDK keeps these options there.
    const exact = DynamoDBDocumentClient.from(newClient(), { unmarshallOptions: { wrapNumbers: true } })
    const { Item } = await exact.send(new GetCommand({ TableName, Key: { pk: 'digits', sk: 0 } }))
    exact.destroy()
    assert.equal(Item.n.toString(), digits)
    // Without the wrapper the SDK makes large integers BigInt, and refuses to lose digits.
    await put({ pk: 'digits', sk: 1, n: 9007199254740993n })
    assert.equal((await get('digits', 1)).n, 9007199254740993n)
    await assert.rejects(get('digits'), /can't be converted to BigInt/)
    await ddb.send(new DeleteCommand({ TableName, Key: { pk: 'digits', sk: 0 } }))
  })
})

describe('writes', () => {
  test('put returns the old item when asked', async () => {
    await put({ pk: 'replaced', sk: 0, a: 1 })
    const { Attributes } = await put({ pk: 'replaced', sk: 0, b: 2 }, { ReturnValues: 'ALL_OLD' })
    assert.deepEqual(Attributes, { pk: 'replaced', sk: 0, a: 1 })
  })

  test('update counts, appends and removes', async () => {
    await put({ pk: 'updated', sk: 0, log: ['a'], old: true, tags: new Set(['x', 'y']) })
    const { Attributes } = await ddb.send(new UpdateCommand({
      TableName, Key: { pk: 'updated', sk: 0 }, ReturnValues: 'ALL_NEW',
      UpdateExpression: 'SET #l = list_append(#l, :l), c = if_not_exists(c, :zero) + :one REMOVE #o DELETE tags :x',
      ExpressionAttributeNames: { '#l': 'log', '#o': 'old' },
      ExpressionAttributeValues: { ':l': ['b'], ':zero': 0, ':one': 1, ':x': new Set(['x']) },
    }))
    assert.deepEqual(Attributes, { pk: 'updated', sk: 0, log: ['a', 'b'], c: 1, tags: new Set(['y']) })
  })

  test('a failed condition is its class and brings the item', async () => {
    await put({ pk: 'guarded', sk: 0, v: 3 })
    const error = await ddb.send(new DeleteCommand({
      TableName, Key: { pk: 'guarded', sk: 0 }, ConditionExpression: 'v = :v', ExpressionAttributeValues: { ':v': 2 },
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    })).then(() => assert.fail('deleted'), (e) => e)
    assert.ok(error instanceof ConditionalCheckFailedException)
    assert.equal(error.message, 'The conditional request failed')
    assert.equal(error.Item.v.N, '3')
    assert.equal(error.$metadata.httpStatusCode, 400)
    assert.equal(error.$metadata.attempts, 1)
    assert.ok(error.$metadata.requestId)
  })

  test('delete returns what it removed', async () => {
    await put({ pk: 'deleted', sk: 0, a: 1 })
    const remove = new DeleteCommand({ TableName, Key: { pk: 'deleted', sk: 0 }, ReturnValues: 'ALL_OLD' })
    assert.deepEqual((await ddb.send(remove)).Attributes, { pk: 'deleted', sk: 0, a: 1 })
    assert.equal(await get('deleted'), undefined)
  })

  test('a missing table is its class', async () => {
    const request = new GetCommand({ TableName: unique('nowhere'), Key: { pk: 'x', sk: 0 } })
    await assert.rejects(ddb.send(request), (e) =>
      e instanceof ResourceNotFoundException && e.name === 'ResourceNotFoundException')
  })

  test('validation errors have a name and a message', async () => {
    await assert.rejects(get('x', 'not a number'), {
      name: 'ValidationException', message: 'The provided key element does not match the schema', $fault: 'client',
    })
  })
})

describe('reads', () => {
  before(async () => {
    for (let from = 0; from < 50; from += 25) {
      const puts = Array.from({ length: 25 }, (_, i) => ({
        PutRequest: { Item: { pk: 'many', sk: from + i, color: (from + i) % 5 ? 'grey' : 'red', n: { square: i * i } } },
      }))
      const { UnprocessedItems } = await ddb.send(new BatchWriteCommand({ RequestItems: { [TableName]: puts } }))
      assert.deepEqual(UnprocessedItems, {})
    }
  })
  const many = { KeyConditionExpression: 'pk = :p', ExpressionAttributeValues: { ':p': 'many' } }

  test('query goes both ways and stops at Limit', async () => {
    const page = await ddb.send(new QueryCommand({ TableName, ...many, Limit: 3, ScanIndexForward: false }))
    assert.deepEqual(page.Items.map((i) => i.sk), [49, 48, 47])
    assert.deepEqual(page.LastEvaluatedKey, { pk: 'many', sk: 47 })
  })

  test('query with range, filter and projection', async () => {
    const page = await ddb.send(new QueryCommand({
      TableName, KeyConditionExpression: 'pk = :p AND sk BETWEEN :a AND :b', FilterExpression: 'color = :c',
      ProjectionExpression: 'sk, n.square', ExpressionAttributeValues: { ':p': 'many', ':a': 4, ':b': 10, ':c': 'red' },
    }))
    assert.deepEqual(page.Items, [{ sk: 5, n: { square: 25 } }, { sk: 10, n: { square: 100 } }])
    assert.equal(page.ScannedCount, 7)
  })

  test('an index is queried in its order', async () => {
    const page = await ddb.send(new QueryCommand({
      TableName, IndexName: 'by-color', KeyConditionExpression: 'color = :c AND sk > :n',
      ExpressionAttributeValues: { ':c': 'red', ':n': 20 },
    }))
    assert.deepEqual(page.Items.map((i) => i.sk), [25, 30, 35, 40, 45])
  })

  test('paginators see every item once', async () => {
    const seen = []
    for await (const page of paginateQuery({ client: ddb, pageSize: 7 }, { TableName, ...many })) {
      assert.ok(page.Items.length <= 7)
      seen.push(...page.Items.map((i) => i.sk))
    }
    assert.deepEqual(seen, Array.from({ length: 50 }, (_, i) => i))
    let scanned = 0
    const only = { FilterExpression: 'pk = :p', ExpressionAttributeValues: { ':p': 'many' } }
    for await (const page of paginateScan({ client: ddb, pageSize: 11 }, { TableName, ...only })) scanned += page.Count
    assert.equal(scanned, 50)
  })

  test('scan in segments and as a count', async () => {
    const segments = await Promise.all([0, 1, 2].map((Segment) =>
      ddb.send(new ScanCommand({ TableName, Segment, TotalSegments: 3 }))))
    const keys = segments.flatMap((s) => s.Items.map((i) => `${i.pk}/${i.sk}`))
    assert.equal(new Set(keys).size, keys.length)
    const all = await ddb.send(new ScanCommand({ TableName, Select: 'COUNT' }))
    assert.equal(all.Count, keys.length)
    assert.equal(all.Items, undefined)
  })

  test('batch get brings what is there', async () => {
    const Keys = [3, 4, 1000].map((sk) => ({ pk: 'many', sk }))
    const page = await ddb.send(new BatchGetCommand({
      RequestItems: { [TableName]: { Keys, ProjectionExpression: 'sk' } }, ReturnConsumedCapacity: 'TOTAL',
    }))
    assert.deepEqual(page.Responses[TableName].map((i) => i.sk).sort(), [3, 4])
    assert.deepEqual(page.UnprocessedKeys, {})
    assert.deepEqual(page.ConsumedCapacity, [{ TableName, CapacityUnits: 1.5 }])
  })
})

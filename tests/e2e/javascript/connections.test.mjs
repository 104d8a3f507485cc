// How the SDK for JavaScript talks: one connection kept, many at once, compressed bodies, HTTP/2, bad credentials.
import assert from 'node:assert/strict'
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Readable } from 'node:stream'
import { after, before, test } from 'node:test'
import { crc32, gunzipSync, gzipSync } from 'node:zlib'
import { GetItemCommand, ListTablesCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { NodeHttp2Handler, NodeHttpHandler } from '@smithy/node-http-handler'
import { createTable, deleteTable, newClient, onAws } from './support.mjs'

const client = newClient()
let TableName
before(async () => { TableName = await createTable(client, 'connections', { id: 'S' }) })
after(async () => {
  await deleteTable(client, TableName)
  client.destroy()
})

const big = { id: { S: 'big' }, text: { S: 'compressible '.repeat(8000) } }

test('twenty requests share one kept connection', async () => {
  let made = 0
  const counted = (Agent) => class extends Agent {
    createConnection(...args) {
      made += 1
      return super.createConnection(...args)
    }
  }
  const options = { keepAlive: true, maxSockets: 1 }
  const requestHandler = new NodeHttpHandler({
    httpAgent: new (counted(HttpAgent))(options), httpsAgent: new (counted(HttpsAgent))(options),
  })
  const kept = newClient({ requestHandler })
  for (let i = 0; i < 10; i += 1) await kept.send(new PutItemCommand({ TableName, Item: { id: { S: `kept ${i}` } } }))
  // A refused request does not cost the connection either.
  await assert.rejects(kept.send(new PutItemCommand({ TableName, Item: { no: { S: 'key' } } })))
  for (let i = 0; i < 9; i += 1) await kept.send(new GetItemCommand({ TableName, Key: { id: { S: `kept ${i}` } } }))
  kept.destroy()
  assert.equal(made, 1)
})

test('two hundred updates at once all count', async () => {
  const update = () => client.send(new UpdateItemCommand({
    TableName, Key: { id: { S: 'counter' } }, UpdateExpression: 'ADD n :one', ExpressionAttributeValues: { ':one': { N: '1' } },
  }))
  await Promise.all(Array.from({ length: 200 }, update))
  const { Item } = await client.send(new GetItemCommand({ TableName, Key: { id: { S: 'counter' } }, ConsistentRead: true }))
  assert.equal(Item.n.N, '200')
})

test('a gzip answer is asked for, checked by its checksum and read', async () => {
  await client.send(new PutItemCommand({ TableName, Item: big }))
  const zipped = newClient()
  let seen
  zipped.middlewareStack.add((next) => (args) => {
    args.request.headers['accept-encoding'] = 'gzip'
    return next(args)
  }, { step: 'build', name: 'askForGzip' })
  zipped.middlewareStack.add((next) => async (args) => {
    const result = await next(args)
    const { headers, body } = result.response
    const bytes = Buffer.concat(await Array.fromAsync(body))
    seen = { headers, length: bytes.length, crc: crc32(bytes) }
    result.response.body = Readable.from([headers['content-encoding'] === 'gzip' ? gunzipSync(bytes) : bytes])
    return result
  }, { step: 'deserialize', priority: 'low', name: 'unzip' })
  const { Item } = await zipped.send(new GetItemCommand({ TableName, Key: { id: { S: 'big' } } }))
  zipped.destroy()
  assert.deepEqual(Item, big)
  assert.equal(seen.headers['content-encoding'], 'gzip')
  assert.ok(seen.length < 10_000, `${seen.length} bytes`)
  assert.equal(seen.headers['x-amz-crc32'], String(seen.crc))
})

test('a gzip request is read', async () => {
  const zipping = newClient()
  zipping.middlewareStack.add((next) => (args) => {
    args.request.body = gzipSync(args.request.body)
    args.request.headers['content-encoding'] = 'gzip'
    args.request.headers['content-length'] = String(args.request.body.length)
    return next(args)
  }, { step: 'build', priority: 'low', name: 'zip' })
  const Item = { ...big, id: { S: 'sent as gzip' } }
  await zipping.send(new PutItemCommand({ TableName, Item }))
  zipping.destroy()
  const got = await client.send(new GetItemCommand({ TableName, Key: { id: Item.id } }))
  assert.deepEqual(got.Item, Item)
})

// DynamoDB's own endpoints speak HTTP/1.1.
test('HTTP/2 works from the first byte', { skip: onAws }, async () => {
  const two = newClient({ requestHandler: new NodeHttp2Handler({ maxConcurrentStreams: 20 }) })
  const Item = { id: { S: 'over HTTP/2' } }
  await two.send(new PutItemCommand({ TableName, Item }))
  const gets = Array.from({ length: 40 }, () => two.send(new GetItemCommand({ TableName, Key: Item })))
  for (const reply of await Promise.all(gets)) assert.deepEqual(reply.Item, Item)
  two.destroy()
})

test('unknown keys and wrong secrets are refused by name, once', async () => {
  const { accessKeyId } = await client.config.credentials()
  for (const [credentials, name] of [
    [{ accessKeyId: 'AKIAUNKNOWNUNKNOWN00', secretAccessKey: 'x' }, 'UnrecognizedClientException'],
    [{ accessKeyId, secretAccessKey: 'wrong' }, 'InvalidSignatureException'],
  ]) {
    const other = newClient({ credentials })
    const error = await other.send(new ListTablesCommand({})).then(() => assert.fail('let in'), (e) => e)
    assert.equal(error.name, name)
    assert.equal(error.$metadata.attempts, 1)
    other.destroy()
  }
})

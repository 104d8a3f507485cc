// What the JavaScript suites share: clients that find their target in the environment, and tables that end with
// their tests. Without AWS_ENDPOINT_URL_DYNAMODB the target is AWS.
import { randomBytes } from 'node:crypto'
import {
  CreateTableCommand, DeleteTableCommand, DynamoDBClient, waitUntilTableExists, waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'

export const onAws = !process.env.AWS_ENDPOINT_URL_DYNAMODB

// A known divergence: what AWS answers, what this endpoint answers, and the reason.
export const differs = ({ aws, here, why }) => {
  if (!why) throw new Error('a divergence has a reason')
  return onAws ? aws : here
}

export const unique = (name) => `e2e-${randomBytes(4).toString('hex')}-${name}`

export const newClient = (options = {}) => new DynamoDBClient(options)

export const documents = (client) =>
  DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })

// A table with the keys { name: type, ... }, the first is the partition key; `more` adds to CreateTable's members.
export const createTable = async (client, name, keys, more = {}) => {
  const names = Object.keys(keys)
  const input = {
    TableName: unique(name),
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: names.map((n) => ({ AttributeName: n, AttributeType: keys[n] })),
    KeySchema: names.slice(0, 2).map((n, i) => ({ AttributeName: n, KeyType: ['HASH', 'RANGE'][i] })),
    ...more,
  }
  await client.send(new CreateTableCommand(input))
  await waitUntilTableExists({ client, maxWaitTime: 120, minDelay: 1 }, { TableName: input.TableName })
  return input.TableName
}

export const deleteTable = async (client, TableName) => {
  await client.send(new DeleteTableCommand({ TableName }))
  await waitUntilTableNotExists({ client, maxWaitTime: 120, minDelay: 1 }, { TableName })
}

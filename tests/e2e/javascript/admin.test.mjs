// dynamodb-admin in Chromium: a person looks at the tables, makes one, adds items, sees them and cleans up.
// Version 4 is built on the AWS SDK for JavaScript v2, version 5 on v3. Neither wants to talk to AWS itself.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { createTable, deleteTable, newClient, unique } from './support.mjs'

const client = newClient()
let existing, browser, profile, page

const freePort = () => new Promise((resolve, reject) => {
  const server = createServer()
  server.once('error', reject)
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address()
    server.close(() => resolve(port))
  })
})

// Starts one version of the program; it asks for its endpoint in a variable of its own.
const startAdmin = async (program, ...words) => {
  const port = await freePort()
  words.unshift(join('node_modules', program), '--host', '127.0.0.1', '--port', String(port))
  const child = spawn(process.execPath, words, {
    env: { ...process.env, DYNAMO_ENDPOINT: process.env.AWS_ENDPOINT_URL_DYNAMODB }, stdio: ['ignore', 'inherit', 'inherit'],
  })
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 150 && child.exitCode === null; tries += 1) {
    if (await fetch(url).then((r) => r.ok, () => false)) return { child, url }
    await new Promise((resolve) => { setTimeout(resolve, 200) })
  }
  child.kill()
  return assert.fail('dynamodb-admin does not answer')
}

before(async () => {
  existing = await createTable(client, 'existing', { id: 'S' })
  profile = await mkdtemp(join(tmpdir(), 'pg-dynamo-chromium-'))
  browser = await chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  })
  page = await browser.newPage()
  page.setDefaultTimeout(20_000)
  page.on('dialog', (dialog) => dialog.accept())
})

after(async () => {
  await browser?.close()
  if (profile) await rm(profile, { recursive: true, force: true })
  await deleteTable(client, existing)
  client.destroy()
})

const screenshot = (name) => page.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`), fullPage: true })

const inList = (name) => page.locator(`li[data-table-name="${name}"], li:has(a[href$="/tables/${name}"])`)

// Fills the form for a table with the keys artist (S) and year (N).
const submitTable = async (url, name) => {
  await page.goto(url)
  await inList(existing).waitFor()
  await page.getByRole('link', { name: 'Create table' }).click()
  await page.locator('[name=TableName]').fill(name)
  await page.locator('[name=HashAttributeName]').fill('artist')
  await page.locator('[name=RangeAttributeName]').fill('year')
  await page.locator('[name=RangeAttributeType]').selectOption('N')
  await page.getByRole('button', { name: 'Submit' }).click()
}

const ITEMS = [
  { artist: 'Acme Band', year: 1987, songs: ['Happy Day', 'Autumn'], awards: { gold: 2 } },
  { artist: 'Acme Band', year: 1991, songs: [], live: true },
]

// Types documents into the editor of "add item", saves each, and looks at what the page then shows.
const addItems = async (url, name) => {
  for (const item of ITEMS) {
    await page.goto(`${url}/tables/${name}/add-item`)
    await page.locator('#documentTextarea').click()
    await page.keyboard.press('Control+A')
    await page.keyboard.press('Delete')
    await page.keyboard.insertText(JSON.stringify(item))
    await page.getByRole('button', { name: 'Save' }).click()
    await page.waitForURL(`**/items/${encodeURIComponent(`${item.artist},${item.year}`)}`)
    assert.deepEqual(JSON.parse(await page.evaluate('editor.getValue()')), item)
  }
}

const seeItems = async (url, name) => {
  await page.goto(`${url}/tables/${name}`)
  for (const { year } of ITEMS) await page.getByText(String(year)).first().waitFor()
  assert.match(await page.locator('body').innerText(), /Happy Day/)
}

const deleteInList = async (url, name) => {
  await page.goto(url)
  await inList(name).getByText('Delete').click()
  await inList(name).waitFor({ state: 'detached' })
}

describe('dynamodb-admin 4', () => {
  let admin
  before(async () => { admin = await startAdmin('dynamodb-admin-4/bin/dynamodb-admin.js') })
  after(() => admin?.child.kill())

  test('a table is made, filled, seen and deleted', async () => {
    const name = unique('browser-4')
    await submitTable(admin.url, name)
    await inList(name).waitFor()
    await screenshot('admin-tables')
    await addItems(admin.url, name)
    await screenshot('admin-item')
    await seeItems(admin.url, name)
    await screenshot('admin-items')
    await deleteInList(admin.url, name)
  })
})

describe('dynamodb-admin 5', () => {
  let admin
  // Without this word it adds a session token of its own making to every request.
  before(async () => { admin = await startAdmin('dynamodb-admin/dist/dynamodb-admin.js', '--skip-default-credentials') })
  after(() => admin?.child.kill())

  // Its form sends capacity units as strings, which DynamoDB does not take for numbers.
  test('the form for a table shows why it is refused', async () => {
    await submitTable(admin.url, unique('browser-5'))
    await page.getByText('cannot be converted to Long').waitFor()
  })

  test('a table is filled, seen and deleted', async () => {
    const name = await createTable(client, 'browser-5', { artist: 'S', year: 'N' })
    await addItems(admin.url, name)
    await seeItems(admin.url, name)
    await screenshot('admin-5-items')
    await deleteInList(admin.url, name)
  })
})

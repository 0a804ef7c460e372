// Subscribes, switches the subscription off and ends it, as any program with fhir-kit-client would.
import { Client } from 'fhir-kit-client';

const [baseUrl, token, body] = process.argv.slice(2);
const client = new Client({ baseUrl, customHeaders: { Authorization: `Bearer ${token}` } });
const resourceType = 'Subscription';

const made = await client.create({ resourceType, body: JSON.parse(body) });
const found = await client.search({ resourceType, searchParams: { _id: made.id } });
const changed = await client.update({ resourceType, id: made.id, body: { ...made, status: 'off' } });
await client.delete({ resourceType, id: made.id });
const left = await client.search({ resourceType });
console.log(
  JSON.stringify({
    made: made.status,
    found: found.entry.length,
    changed: changed.status,
    left: (left.entry ?? []).length,
  }),
);

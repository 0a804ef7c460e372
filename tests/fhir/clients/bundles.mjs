// Sends a transaction and a batch, patches and asks for everything, as any program with fhir-kit-client would.
import { Client } from 'fhir-kit-client';

const [baseUrl, token, schedule, patient] = process.argv.slice(2);
const client = new Client({ baseUrl, customHeaders: { Authorization: `Bearer ${token}` } });

const page = await client.search({ resourceType: 'Slot', searchParams: { schedule, _count: 2 } });
const appointment = (slot) => ({
  resourceType: 'Appointment',
  status: 'booked',
  slot: [{ reference: `Slot/${slot.resource.id}` }],
  participant: [{ actor: { reference: `Patient/${patient}` }, status: 'accepted' }],
});
const create = (resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } });
const get = (url) => ({ request: { method: 'GET', url } });
const bundle = (type, ...entry) => ({ body: { resourceType: 'Bundle', type, entry } });
const statuses = (answer) => answer.entry.map((entry) => entry.response.status);

const [first, second] = page.entry.map(appointment);
const done = await client.transaction(
  bundle('transaction', create(first), create(second), get(`Appointment?patient=${patient}`)),
);
let refused;
try {
  await client.transaction(bundle('transaction', get(`Patient/${patient}`), create(first)));
} catch (error) {
  refused = { status: error.response.status, expression: error.response.data.issue[0].expression };
}
const batch = await client.batch(bundle('batch', get(`Patient/${patient}`), get('Patient/x')));
const { id, meta } = done.entry[0].resource;
const patch = (version) =>
  client.patch({
    resourceType: 'Appointment',
    id,
    jsonPatch: [{ op: 'replace', path: '/status', value: 'cancelled' }],
    options: { headers: { 'If-Match': `W/"${version}"` } },
  });
const patched = await patch(meta.versionId);
let stale;
try {
  await patch(meta.versionId);
} catch (error) {
  stale = error.response.status;
}
const everything = await client.operation({
  name: 'everything',
  resourceType: 'Patient',
  id: patient,
  method: 'GET',
  input: { _type: 'Patient,Appointment' },
});
const kinds = new Set(everything.entry.filter((entry) => entry.search.mode === 'match').map((e) => e.resource.resourceType));
console.log(
  JSON.stringify({
    transaction: statuses(done),
    refused,
    batch: statuses(batch),
    patched: patched.status,
    stale,
    everything: [...kinds].sort(),
  }),
);

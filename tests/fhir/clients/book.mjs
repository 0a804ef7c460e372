// Finds a time, books it and calls it off, as any program with fhir-kit-client would.
import { Client } from 'fhir-kit-client';

const [baseUrl, token, schedule, patient] = process.argv.slice(2);
const client = new Client({ baseUrl, customHeaders: { Authorization: `Bearer ${token}` } });

const statement = await client.capabilityStatement();
const page = await client.search({ resourceType: 'Slot', searchParams: { schedule, _count: 2 } });
const second = await client.nextPage({ bundle: page });
const slot = second.entry[0].resource;
const booked = await client.create({
  resourceType: 'Appointment',
  body: {
    resourceType: 'Appointment',
    status: 'booked',
    slot: [{ reference: `Slot/${slot.id}` }],
    participant: [{ actor: { reference: `Patient/${patient}` }, status: 'accepted' }],
  },
});
const read = await client.read({ resourceType: 'Appointment', id: booked.id });
let conflict;
try {
  await client.create({ resourceType: 'Appointment', body: { ...booked, id: undefined, meta: undefined } });
} catch (error) {
  conflict = { status: error.response.status, type: error.response.data.resourceType };
}
const cancelled = await client.update({
  resourceType: 'Appointment',
  id: booked.id,
  body: { ...read, status: 'cancelled', cancelationReason: { text: 'rain' } },
});
console.log(
  JSON.stringify({
    fhirVersion: statement.fhirVersion,
    start: slot.start,
    booked: read.status,
    conflict,
    cancelled: cancelled.status,
  }),
);

// Comes in as a clinic's system that shows itself by a key, as any program with fhir-kit-client would.
import { createPrivateKey, randomUUID, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Client } from 'fhir-kit-client';

const [baseUrl, clientId, keyFile, now] = process.argv.slice(2);
const client = new Client({ baseUrl });

const { tokenUrl } = await client.smartAuthMetadata();
const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const signed = [
  encoded({ alg: 'ES384', kid: 'one', typ: 'JWT' }),
  encoded({ iss: clientId, sub: clientId, aud: tokenUrl.href, exp: Number(now) + 240, jti: randomUUID() }),
].join('.');
const key = { key: createPrivateKey(readFileSync(keyFile)), dsaEncoding: 'ieee-p1363' };
const signature = sign('sha384', Buffer.from(signed), key).toString('base64url');
const answer = await fetch(tokenUrl, {
  method: 'POST',
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'system/Patient.rs',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: `${signed}.${signature}`,
  }),
});
const { access_token: token, scope } = await answer.json();
client.bearerToken = token;

const found = await client.search({ resourceType: 'Patient' });
let refused;
try {
  await client.search({ resourceType: 'Appointment' });
} catch (error) {
  refused = { status: error.response.status, type: error.response.data.resourceType };
}
console.log(JSON.stringify({ scope, patients: found.entry.map((entry) => entry.resource.name[0].text), refused }));

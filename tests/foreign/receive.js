// A web service in Node: `node receive.js PORT PEM|- TOKEN KEY TROUBLE`. See tests/system/foreign_receiver.py.
'use strict';

const { createHmac, timingSafeEqual } = require('node:crypto');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const https = require('node:https');

const [port, pem, token, key, troubles] = process.argv.slice(2);
const trouble = troubles ? troubles.split(',') : [];

function genuine(request, body) {
  const moment = request.headers['metergate-timestamp'] ?? '';
  const shown = Buffer.from(request.headers['metergate-signature'] ?? '');
  const made = Buffer.from('sha256=' + createHmac('sha256', key).update(`${moment}.`).update(body).digest('hex'));
  return request.headers.authorization === `Bearer ${token}` && shown.length === made.length && timingSafeEqual(shown, made);
}

function say(what, body) {
  process.stdout.write(`${what}\t${body}\n`);
}

function answer(request, response) {
  const parts = [];
  request.on('data', (part) => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts);
    const next = genuine(request, body) ? (trouble.shift() ?? '204') : '401';
    say(next, body);
    if (next === 'reset') {
      request.socket.destroy();
      return;
    }
    const headers = next === '429' ? { 'Retry-After': '1' } : {};
    response.writeHead(Number(next), headers);
    response.end(next === '204' ? undefined : 'not now');
  });
}

const content = pem === '-' ? undefined : readFileSync(pem);
const server = content
  ? https.createServer({ key: content, cert: content, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false }, answer)
  : http.createServer(answer);
server.listen(Number(port), '127.0.0.1', () => say('listening', ''));

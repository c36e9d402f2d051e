// Sends one message with nodemailer, logged in by nodemailer-ntlm-auth.
//
//   node send.js PORT USER PASSWORD DOMAIN SUBJECT
//
// Prints SENT, or the error; exit code 0 or 1.
'use strict';
const nodemailer = require('nodemailer');
const ntlmAuth = require('nodemailer-ntlm-auth');

const [port, user, pass, domain, subject] = process.argv.slice(2);
const transport = nodemailer.createTransport({
  host: 'mail.example.test',
  port: Number(port),
  name: 'client.example.test',
  secure: false,
  ignoreTLS: true,
  connectionTimeout: 10000,
  socketTimeout: 20000,
  auth: { type: 'custom', method: 'NTLM', user, pass, options: { domain, workstation: 'CLIENT' } },
  customAuth: { NTLM: ntlmAuth },
});
const message = { from: 'alice@example.test', to: 'bob@example.test', subject, text: 'sent by nodemailer' };
transport.sendMail(message).then(
  () => { console.log('SENT'); transport.close(); },
  (error) => { console.log(String(error.message).replace(/\s+/g, ' ')); process.exit(1); });

// Sends one event in each mode, and two in a batch, with the CloudEvents SDK for JavaScript, and prints "SENT id status" for each. In binary mode the
// subject has Latin letters only: the SDK encodes no others, and fetch refuses them.
const { CloudEvent, HTTP } = require('cloudevents');
const event = (id, subject) => new CloudEvent({ id: 'js-' + id, source: '/senders/js', type: 'org.dubbofn.keep', subject, tenant: 'a', data: { n: 1 } });
const send = async (id, m) => console.log('SENT', id, (await fetch(process.argv[2], { method: 'POST', headers: m.headers, body: m.body })).status);
(async () => {
  await send('js-binary', HTTP.binary(event('binary', 'cafe "q"')));
  await send('js-structured', HTTP.structured(event('structured', 'caf\u00e9 \u20ac "q"')));
  const batch = [event('batch1', 'caf\u00e9 \u20ac "q"'), event('batch2', 'caf\u00e9 \u20ac "q"')];
  await send('js-batch', { headers: { 'content-type': 'application/cloudevents-batch+json' }, body: JSON.stringify(batch) });
})();

/** Compiled by `npm run typecheck`, never run: each `@ts-expect-error` is a test that must fail. */
import { Agent as HttpAgent } from 'node:http';
import * as undici7 from 'undici';
import * as undici8 from 'undici-8';
import { OktaDirectMfaStrategy, type OktaDispatcher } from 'passport-okta-direct-mfa';
import { mockOkta } from 'passport-okta-direct-mfa/testing';

const options = { issuer: 'https://acme.okta.com', clientID: '0oa1' };
const verify = async () => ({ id: 'ada' });
const strategyOver = (dispatcher: OktaDispatcher | undefined) =>
  new OktaDirectMfaStrategy({ ...options, dispatcher }, verify);

// Every class of either major, and what compose() makes of it.
strategyOver(new undici7.Agent());
strategyOver(new undici7.Pool('https://acme.okta.com'));
strategyOver(new undici7.Client('https://acme.okta.com'));
strategyOver(new undici7.ProxyAgent('http://proxy.example.com'));
strategyOver(new undici7.EnvHttpProxyAgent());
strategyOver(new undici7.RetryAgent(new undici7.Agent()));
strategyOver(new undici7.MockAgent());
strategyOver(new undici7.MockAgent().get('https://acme.okta.com'));
strategyOver(new undici7.Agent().compose(undici7.interceptors.dns()));
strategyOver(undici7.getGlobalDispatcher());

strategyOver(new undici8.Agent());
strategyOver(new undici8.Pool('https://acme.okta.com'));
strategyOver(new undici8.Client('https://acme.okta.com'));
strategyOver(new undici8.ProxyAgent('http://proxy.example.com'));
strategyOver(new undici8.EnvHttpProxyAgent());
strategyOver(new undici8.RetryAgent(new undici8.Agent()));
strategyOver(new undici8.MockAgent());
strategyOver(new undici8.MockAgent().get('https://acme.okta.com'));
strategyOver(new undici8.Agent().compose(undici8.interceptors.dns()));
strategyOver(undici8.getGlobalDispatcher());

// A dispatcher of the app's own.
strategyOver({
  dispatch: (
    given: undici7.Dispatcher.DispatchOptions,
    handler: undici7.Dispatcher.DispatchHandler,
  ) => undici7.getGlobalDispatcher().dispatch(given, handler),
});
strategyOver(undefined);

// @ts-expect-error -- Node's own agents are another thing
strategyOver(new HttpAgent({ keepAlive: true }));
// @ts-expect-error -- nor is it the class
strategyOver(undici7.Agent);
// @ts-expect-error -- nor an address
strategyOver('http://proxy.example.com');
// @ts-expect-error -- nor the options of an agent
strategyOver({ connections: 10 });
// @ts-expect-error -- nor a fetch
strategyOver(fetch);
// @ts-expect-error -- a store of actions dispatches something else
strategyOver({ dispatch: (action: { type: string }) => action });
// @ts-expect-error -- and so does this
strategyOver({ dispatch: (count: number) => count > 0 });
// @ts-expect-error -- dispatch() must be a method
strategyOver({ dispatch: true });

// The mock is a dispatcher for either major, and for Node's own fetch.
const { dispatcher } = mockOkta({ ...options, users: [] });
strategyOver(dispatcher);
undici7.setGlobalDispatcher(dispatcher);
undici8.setGlobalDispatcher(dispatcher);
void undici7.request('https://acme.okta.com', { dispatcher });
void undici8.request('https://acme.okta.com', { dispatcher });
void fetch('https://acme.okta.com', { dispatcher });
void new undici7.Agent({ factory: () => dispatcher });
void new undici8.Agent({ factory: () => dispatcher });
dispatcher.get('https://api.example.com').intercept({ path: '/' }).reply(200, 'ok');
dispatcher.assertNoPendingInterceptors();
// @ts-expect-error -- a MockAgent has no such method
void dispatcher.enableNetConect;

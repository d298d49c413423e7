// Fastify with @fastify/passport. SESSION says where sessions live.
const fastifyPassport = require('@fastify/passport').default;
const { OktaDirectMfaStrategy } = require('passport-okta-direct-mfa');

const { OKTA_ISSUER: issuer, OKTA_CLIENT_ID: clientID, SESSION } = process.env;

async function main() {
  const app = require('fastify')();
  await app.register(require('@fastify/formbody'));

  if (SESSION === 'server') {
    await app.register(require('@fastify/cookie'));
    await app.register(require('@fastify/session'), {
      secret: 'a secret for tests that is long enough',
      cookie: { secure: false },
      saveUninitialized: false,
    });
  } else {
    await app.register(require('@fastify/secure-session'), {
      key: Buffer.alloc(32, 'k'),
      cookie: { path: '/' },
    });
  }

  await app.register(fastifyPassport.initialize());
  await app.register(fastifyPassport.secureSession());
  const strategy = new OktaDirectMfaStrategy(
    { issuer, clientID, allowInsecureIssuer: true },
    async (tokens, profile) => ({ id: profile.id, name: profile.displayName }),
  );
  fastifyPassport.use(strategy);
  fastifyPassport.registerUserSerializer(async (user) => user);
  fastifyPassport.registerUserDeserializer(async (user) => user);

  // Browsers: redirects.
  const signIn = {
    preValidation: fastifyPassport.authenticate('okta-direct-mfa', {
      mfaRedirect: '/login/otp',
      successRedirect: '/profile',
      failureRedirect: '/login',
    }),
  };
  app.post('/login', signIn, () => {});
  app.post('/login/otp', signIn, () => {});

  // Scripts: JSON.
  app.post(
    '/api/login',
    {
      preValidation: fastifyPassport.authenticate(
        'okta-direct-mfa',
        async (request, reply, err, user, info, status) => {
          if (err) throw err;
          if (!user) return reply.code(status ?? 401).send(info);
          await request.logIn(user);
        },
      ),
    },
    (request) => ({ user: request.user }),
  );

  app.post('/logout', async (request) => {
    await strategy.cancel(request);
    await request.logOut();
    return {};
  });
  app.get('/profile', (request, reply) => {
    if (!request.isAuthenticated()) return reply.code(401).send({});
    return { user: request.user };
  });
  app.get('/versions', () => ({
    node: process.version,
    fastify: app.version,
    passport: require('@fastify/passport/package.json').version,
  }));

  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  console.log(`listening on ${url}`);
}

main();

// What both module systems share: the app itself, given what it is made of.
exports.startServer = function ({ express, session, passport, OktaDirectMfaStrategy, ...more }) {
  const { OKTA_ISSUER: issuer, OKTA_CLIENT_ID: clientID, EXPRESS = 'express5' } = process.env;

  const strategy = new OktaDirectMfaStrategy(
    { issuer, clientID, allowInsecureIssuer: true, ...more.options },
    async (tokens, profile) => ({ id: profile.id, name: profile.displayName }),
  );
  passport.use(strategy);
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user, done) => done(null, user));

  const app = express();
  app.use(express.urlencoded({ extended: false }), express.json());
  app.use(session({ secret: 'for tests', resave: false, saveUninitialized: false }));
  app.use(passport.session());

  const signIn = passport.authenticate('okta-direct-mfa', {
    mfaRedirect: '/login/otp',
    successRedirect: '/profile',
    failureRedirect: '/login',
  });
  app.post('/login', signIn);
  app.post('/login/otp', signIn);

  app.post('/api/login', (req, res, next) => {
    passport.authenticate('okta-direct-mfa', (err, user, info, status) => {
      if (err) return next(err);
      if (!user) return res.status(status || 401).json(info);
      req.logIn(user, (err) => (err ? next(err) : res.json({ user })));
    })(req, res, next);
  });
  app.post('/logout', (req, res, next) => {
    strategy.cancel(req).then(
      () => req.logout((err) => (err ? next(err) : res.json({}))),
      (err) => next(err),
    );
  });
  app.get('/profile', (req, res) => {
    if (!req.isAuthenticated()) return res.status(401).json({});
    res.json({ user: req.user });
  });

  app.get('/versions', (req, res) => {
    const of = (name) => require(`${name}/package.json`).version;
    const undici = more.undici && of(more.undici);
    res.json({ node: process.version, express: of(EXPRESS), passport: of('passport'), undici });
  });
  app.get('/dispatched', (req, res) => res.json(more.dispatched?.() ?? []));

  const server = app.listen(0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}`);
  });
};

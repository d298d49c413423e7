/** Okta's own pages for people who cannot sign in; `undefined`: no link to it. */
export interface RecoveryLinks {
  forgotPassword: string | undefined;
  unlock: string | undefined;
}

/** The pages that every org has: https://support.okta.com/help/s/article/how-to-add-the-forgot-password-link-on-the-first-sign-in-screen */
export const recoveryLinks = (issuer: string): RecoveryLinks => ({
  forgotPassword: new URL('/signin/forgot-password', issuer).href,
  unlock: new URL('/signin/unlock', issuer).href,
});

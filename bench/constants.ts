export const CLIENT_ID = '0oabench0000000000001';
export const PASSCODE = '123456';

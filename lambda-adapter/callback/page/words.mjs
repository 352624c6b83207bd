// The messages for users. Texts of the API or of the hosted login are never shown.

const AGAIN = 'Please sign in again.';

/** Title, message, and whether signing in again could help, by reason or status. */
const WORDS = {
  no_file: ['No file', 'The link that brought you here names no file. Please ask whoever gave it to you.', false],
  state: ['Not signed in', 'This sign-in was not started here, or it has already been used. Please open the link to your file again.', false],
  login: ['Not signed in', `The sign-in was not completed. ${AGAIN}`, true],
  400: ['No file', 'The link that brought you here does not name a valid file.', false],
  401: ['Not signed in', `Your sign-in was not accepted, or it has expired. ${AGAIN}`, true],
  403: ['No access', 'You are signed in, but you do not have access to this file.', false],
  404: ['Not found', 'This file does not exist. It may have been moved.', false],
  413: ['Too large', 'This file is too large to be sent this way. Please tell whoever gave you the link.', false],
  429: ['Busy', 'Too many requests at once. Please wait a minute.', true],
  unavailable: ['Not available', 'The file cannot be fetched at the moment. Please try again later.', true],
  done: ['Done', 'Your download has begun.', false],
};

/** Returns the message for a reason or a status. */
export function words(what) {
  const [title, message, again] = WORDS[what] ?? WORDS.unavailable;
  return { title, message, again };
}

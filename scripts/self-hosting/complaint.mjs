// What is wrong, in words for whoever typed the command.

export class Complaint extends Error {}

export function complain(text) {
  throw new Complaint(text);
}

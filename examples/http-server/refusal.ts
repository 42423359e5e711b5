/**
 * What the server does not do.
 *
 * @module
 */

/** A request that is answered with an error. */
export class Refusal extends Error {
  override readonly name: string = "Refusal";
  /** The status of the answer. */
  readonly status: number;
  /** Further fields of the answer. */
  readonly fields: Readonly<Record<string, string>>;

  /** `message` is for the client's eyes as well. */
  constructor(status: number, message: string, fields: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.fields = fields;
  }
}

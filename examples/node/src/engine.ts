// The sealing engine: it seals what a receipt permits, after all was decided again, and says what became of it.

import { createLocalJWKSet, errors, jwtVerify, type JSONWebKeySet } from "jose";
import type { SealAuthz } from "./sealauthz.js";

type Permitted = { documents: { use_id: string; digest: string }[] };

export class SealingEngine {
  private keys: JSONWebKeySet = { keys: [] };

  // It has an identity of its own, by whose name receipts are made out. It trusts the keys of the service, and no request.
  constructor(private readonly authz: SealAuthz, readonly name: string, private readonly issuer = "demo") {}

  /** Seal each document that the receipt permits; return the ids of the uses that were sealed now. */
  async seal(receipt: string): Promise<string[]> {
    const claims = await this.verified(receipt);
    const sealed: string[] = [];
    for (const document of (claims.permits as Permitted).documents) {
      const use = { subject: claims.sub!, resource: `SealUse:${document.use_id}` };
      // The receipt permits nothing by itself: what was frozen or revoked meanwhile is denied here.
      const begun = await this.authz.perform({ ...use, action: "seal", requestId: `engine-seal-${document.use_id}` });
      if (!begun.operation) continue;
      putTheSeal(document.digest);
      const done = await this.authz.perform({ ...use, action: "confirm_sealed", requestId: `engine-done-${document.use_id}` });
      if (done.operation) sealed.push(document.use_id);
    }
    return sealed;
  }

  // One algorithm, one type, this audience, this issuer. With fresh keys where it was signed with a key that is new.
  private async verified(receipt: string) {
    const wanted = { algorithms: ["Ed25519"], typ: "seal-receipt+jwt", audience: this.name, issuer: this.issuer };
    try {
      return (await jwtVerify(receipt, createLocalJWKSet(this.keys), wanted)).payload;
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      this.keys = JSON.parse(await this.authz.keys());
      return (await jwtVerify(receipt, createLocalJWKSet(this.keys), wanted)).payload;
    }
  }
}

/** Here the engine would seal the document of this digest. It must bear to be called twice for one use. */
function putTheSeal(_digest: string) {}

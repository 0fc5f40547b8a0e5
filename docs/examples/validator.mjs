// The validator of domain events that docs/consumers.md shows; a test holds every event's example against it.

import { readdirSync, readFileSync } from "node:fs";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

export function eventValidator(folder) {
  const texts = readdirSync(folder).map((name) => readFileSync(`${folder}/${name}`, "utf8"));
  const ajv = addFormats(new Ajv());
  ajv.addSchema(texts.map((text) => JSON.parse(text))); // each under its $id
  return ajv.getSchema("urn:daybook:schema:published");
}

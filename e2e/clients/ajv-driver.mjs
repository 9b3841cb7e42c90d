// Compiles schemas with Ajv in its strict mode, as another team's consumer does, and prints
// for each document of the standard input what is wrong with it, or null.
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { readFileSync } from "node:fs";

const { schemas, documents } = JSON.parse(readFileSync(0));
const validators = Object.fromEntries(Object.entries(schemas).map(([type, schema]) => {
  const ajv = new Ajv2020({ strict: true });
  formats.default(ajv);
  return [type, ajv.compile(schema)];
}));
console.log(JSON.stringify(documents.map(({ type, document }) => {
  const validate = validators[type];
  return validate(document) ? null : validate.errors.map((e) => `${e.instancePath} ${e.message}`).join(", ");
})));

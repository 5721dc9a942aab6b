// The smallest parts of the schemas of answers.
import * as v from 'valibot';

/** More fields may come with later versions: objects are open. */
export const number = v.number();
export const text = v.string();
export const flag = v.boolean();
export const maybe = <S extends v.GenericSchema>(schema: S) => v.exactOptional(schema);
export const list = <S extends v.GenericSchema>(item: S) => v.array(item);
/** A shape that the reference names. */
export const named = <S extends v.GenericSchema>(name: string, schema: S) => v.pipe(schema, v.title(name));

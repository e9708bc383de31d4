/**
 * A target description as XML (gdb manual, G.2 "Target Description Format"), features and registers in the order
 * given: that order is the register numbering and the layout of `g`.
 */
import type { FeatureDefinition, FieldDefinition, RegisterDefinition, TypeDefinition } from './description-types.js';

function escape(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function fieldXml(field: FieldDefinition): string {
  const [name, start] = field;
  const end = field.length === 2 ? start : field[2];
  const type = field.length === 4 ? ` type="${field[3]}"` : field.length === 2 ? ' type="bool"' : '';
  return `<field name="${escape(name)}" start="${start}" end="${end}"${type}/>`;
}

/** @throws Error for a bit-field past the end of its type: gdb would discard the whole description. */
function typeXml(type: TypeDefinition): string {
  switch (type.kind) {
    case 'flags':
      for (const field of type.fields) {
        const end = field.length === 2 ? field[1] : field[2];
        if (end >= type.size * 8 || end < field[1]) throw new Error(`field ${field[0]} does not fit flags type ${type.id}`);
      }
      return `<flags id="${type.id}" size="${type.size}">${type.fields.map(fieldXml).join('')}</flags>`;
    case 'enum': {
      const values = type.values.map(([name, value]) => `<evalue name="${escape(name)}" value="${value}"/>`);
      return `<enum id="${type.id}" size="${type.size}">${values.join('')}</enum>`;
    }
    case 'struct':
    case 'union': {
      const fields = type.fields.map(([name, fieldType]) => `<field name="${escape(name)}" type="${fieldType}"/>`);
      return `<${type.kind} id="${type.id}">${fields.join('')}</${type.kind}>`;
    }
    case 'vector':
      return `<vector id="${type.id}" type="${type.type}" count="${type.count}"/>`;
  }
}

function registerXml(register: RegisterDefinition, regnum: number): string {
  const group = register.group === undefined ? '' : ` group="${register.group}"`;
  const save = register.saveRestore === false ? ' save-restore="no"' : '';
  return `<reg name="${register.name}" bitsize="${register.bits}" type="${register.type}" regnum="${regnum}"${group}${save}/>`;
}

/** `osabi` none: with any other value, or no element, gdb warns or guesses one from the host. */
export function descriptionXml(architecture: string, features: readonly FeatureDefinition[]): string {
  const lines = [
    '<?xml version="1.0"?>',
    '<!DOCTYPE target SYSTEM "gdb-target.dtd">',
    '<target version="1.0">',
    `<architecture>${architecture}</architecture>`,
    '<osabi>none</osabi>',
  ];
  let regnum = 0;
  for (const feature of features) {
    lines.push(`<feature name="${feature.name}">`);
    lines.push(...feature.types.map(typeXml));
    for (const register of feature.registers) lines.push(registerXml(register, regnum++));
    lines.push('</feature>');
  }
  lines.push('</target>', '');
  return lines.join('\n');
}

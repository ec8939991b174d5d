// Copies TypeScript and JavaScript with a counter at each branch, for
// coverage-guided fuzzing, and collects the strings in it as a dictionary.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts from 'typescript';

/** What the counters are called in instrumented code; a Buffer, before any of it is loaded. */
export const COUNTERS = '__branches';

const { factory } = ts;

/** Instruments many files; each branch of any of them has a counter of its own. */
export class Instrumenter {
  /** How many counters there are. */
  counters = 0;
  /** Strings that the code compares with, or has otherwise. */
  words = new Set();

  /** Writes `source`, with counters if `counted`, as JavaScript. */
  file(source, to, counted) {
    const { outputText } = ts.transpileModule(readFileSync(source, 'utf8'), {
      fileName: source,
      compilerOptions: {
        target: ts.ScriptTarget.ES2023,
        module: ts.ModuleKind.Preserve,
        verbatimModuleSyntax: source.endsWith('.ts'),
        sourceMap: false,
        inlineSourceMap: true,
        allowJs: true,
      },
      ...(counted && { transformers: { before: [(context) => this.#transform(context)] } }),
    });
    mkdirSync(dirname(to), { recursive: true });
    writeFileSync(to, outputText);
  }

  /** Writes the words in libFuzzer's form. */
  dictionary(file) {
    const escaped = (word) => [...Buffer.from(word)].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
    writeFileSync(file, [...this.words].map((word) => `"${escaped(word)}"\n`).join(''));
  }

  #count() {
    const counters = factory.createIdentifier(`globalThis.${COUNTERS}`);
    return factory.createPostfixIncrement(factory.createElementAccessExpression(counters, this.counters++));
  }

  #transform(context) {
    const counted = (statement) =>
      ts.isBlock(statement)
        ? factory.updateBlock(statement, [factory.createExpressionStatement(this.#count()), ...statement.statements])
        : factory.createBlock([factory.createExpressionStatement(this.#count()), statement], true);
    const also = (expression) => factory.createParenthesizedExpression(factory.createComma(this.#count(), expression));
    const withCount = (statements) => [factory.createExpressionStatement(this.#count()), ...statements];
    const visit = (node) => {
      if (ts.isTypeNode(node)) return node;
      if (ts.isStringLiteralLike(node) && node.text.length > 0 && node.text.length <= 48) this.words.add(node.text);
      const seen = ts.visitEachChild(node, visit, context);
      if (ts.isIfStatement(seen)) {
        const other = seen.elseStatement ?? factory.createBlock([]);
        return factory.updateIfStatement(seen, seen.expression, counted(seen.thenStatement), counted(other));
      }
      if (ts.isForStatement(seen))
        return factory.updateForStatement(
          seen,
          seen.initializer,
          seen.condition,
          seen.incrementor,
          counted(seen.statement),
        );
      if (ts.isForOfStatement(seen))
        return factory.updateForOfStatement(
          seen,
          seen.awaitModifier,
          seen.initializer,
          seen.expression,
          counted(seen.statement),
        );
      if (ts.isWhileStatement(seen))
        return factory.updateWhileStatement(seen, seen.expression, counted(seen.statement));
      if (ts.isCaseClause(seen)) return factory.updateCaseClause(seen, seen.expression, withCount(seen.statements));
      if (ts.isDefaultClause(seen)) return factory.updateDefaultClause(seen, withCount(seen.statements));
      if (ts.isCatchClause(seen)) return factory.updateCatchClause(seen, seen.variableDeclaration, counted(seen.block));
      if (ts.isConditionalExpression(seen)) {
        return factory.updateConditionalExpression(
          seen,
          seen.condition,
          seen.questionToken,
          also(seen.whenTrue),
          seen.colonToken,
          also(seen.whenFalse),
        );
      }
      if (ts.isBinaryExpression(seen) && isShortCircuit(seen.operatorToken.kind))
        return factory.updateBinaryExpression(seen, seen.left, seen.operatorToken, also(seen.right));
      if (ts.isFunctionDeclaration(seen) && seen.body) {
        const { modifiers, asteriskToken, name, typeParameters, parameters, type, body } = seen;
        return factory.updateFunctionDeclaration(
          seen,
          modifiers,
          asteriskToken,
          name,
          typeParameters,
          parameters,
          type,
          counted(body),
        );
      }
      if (ts.isArrowFunction(seen)) {
        const { modifiers, typeParameters, parameters, type, equalsGreaterThanToken, body } = seen;
        return factory.updateArrowFunction(
          seen,
          modifiers,
          typeParameters,
          parameters,
          type,
          equalsGreaterThanToken,
          ts.isBlock(body) ? counted(body) : also(body),
        );
      }
      return seen;
    };
    return (file) => ts.visitEachChild(file, visit, context);
  }
}

const isShortCircuit = (kind) =>
  [ts.SyntaxKind.AmpersandAmpersandToken, ts.SyntaxKind.BarBarToken, ts.SyntaxKind.QuestionQuestionToken].includes(
    kind,
  );

/** Where a file of ours goes below `to`, as JavaScript. */
export const copyOf = (to, path) => join(to, path.replace(/\.ts$/, '.js'));

-- +goose NO TRANSACTION
-- What people have decided on texts that stand as loss reasons; what the names in a book meant when it was put in force; and
-- by which deals and leads a person or company is looked at.

-- +goose Up
-- Tables that are there are those of a try that failed at an index.
-- +goose StatementBegin
DO $$ BEGIN
  IF to_regclass('spellings') IS NOT NULL THEN RETURN; END IF;

  CREATE TABLE spellings (
    workspace_id bigint NOT NULL REFERENCES workspaces (id),
    id           bigint GENERATED ALWAYS AS IDENTITY,
    folded       text COLLATE "C" NOT NULL CHECK (length(folded) <= 500),
    written      text NOT NULL,
    reason_id    text COLLATE "C",
    why          text NOT NULL DEFAULT '',
    decided_by   text NOT NULL,
    decided_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (workspace_id, folded)
  );
  COMMENT ON TABLE spellings IS 'Decisions of people what texts mean that reps give as loss reasons and the book does not have. They hold for all times, under every version of the book.';
  COMMENT ON COLUMN spellings.folded IS 'The text without regard to case, blanks and punctuation, as it is compared.';
  COMMENT ON COLUMN spellings.written IS 'The text as it was written.';
  COMMENT ON COLUMN spellings.reason_id IS 'Id of the reason in the book; null: the text is no reason.';
  COMMENT ON COLUMN spellings.why IS 'Why it is no reason, and what to write.';
  COMMENT ON COLUMN spellings.decided_by IS 'Who decided.';
  COMMENT ON COLUMN spellings.decided_at IS 'When.';
  CALL isolate('spellings');

  CREATE TABLE book_bindings (
    workspace_id  bigint NOT NULL,
    book          integer NOT NULL,
    connection_id bigint NOT NULL,
    kind          text COLLATE "C" NOT NULL CHECK (kind = ANY (ARRAY['pipelines', 'stages', 'fields'])),
    ref           text COLLATE "C" NOT NULL,
    external_id   text COLLATE "C" NOT NULL,
    written       text NOT NULL,
    name          text NOT NULL,
    PRIMARY KEY (workspace_id, book, connection_id, kind, ref, external_id),
    FOREIGN KEY (workspace_id, book) REFERENCES books (workspace_id, version)
  );
  COMMENT ON TABLE book_bindings IS 'What the names in a book meant in the CRMs when it was put in force, so that renaming there changes nothing.';
  COMMENT ON COLUMN book_bindings.book IS 'Version of the book.';
  COMMENT ON COLUMN book_bindings.kind IS 'Canonical kind of what is named.';
  COMMENT ON COLUMN book_bindings.ref IS 'Who names it: the funnel, funnel/stage, or the folded name of the field.';
  COMMENT ON COLUMN book_bindings.external_id IS 'The vendor''s id; of a field its kind and code, as in deals.value.';
  COMMENT ON COLUMN book_bindings.written IS 'The name in the book.';
  COMMENT ON COLUMN book_bindings.name IS 'What the CRM called it then.';
  CALL isolate('book_bindings');
END $$;
-- +goose StatementEnd

COMMENT ON COLUMN fields.options IS 'Array of {id, label, deleted, was}; deleted options keep their last label, renamed ones those before under was.';
COMMENT ON TABLE dirty IS 'Subjects that must be judged anew. A row with kind "connections" stands for all subjects of that connection, one with kind "people" or "companies" for those that are about them.';
COMMENT ON COLUMN dirty.kind IS 'Canonical kind of the subject, or of what it stands for.';

DROP INDEX CONCURRENTLY IF EXISTS deals_of_person;
CREATE INDEX CONCURRENTLY deals_of_person ON deals (workspace_id, connection_id, person_id) WHERE person_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS deals_of_company;
CREATE INDEX CONCURRENTLY deals_of_company ON deals (workspace_id, connection_id, company_id) WHERE company_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS leads_of_person;
CREATE INDEX CONCURRENTLY leads_of_person ON leads (workspace_id, connection_id, person_id) WHERE person_id IS NOT NULL;
DROP INDEX CONCURRENTLY IF EXISTS leads_of_company;
CREATE INDEX CONCURRENTLY leads_of_company ON leads (workspace_id, connection_id, company_id) WHERE company_id IS NOT NULL;

-- +goose Down
SELECT 1;

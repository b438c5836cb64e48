-- The indexes of the usual lists.
--
-- SQLite takes an index that gives the order of a list over one that finds fewer rows. What lists
-- are filtered by therefore ends with their order, newest first, or else the whole tenant is walked
-- through for the few records of one company.

-- Who may reach only their own finds what they have created here, and merges it with what they own
-- and what is assigned to them.
CREATE INDEX contacts_creator ON contacts (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX companies_creator ON companies (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX leads_creator ON leads (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX deals_creator ON deals (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX tasks_creator ON tasks (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX notes_creator ON notes (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;
CREATE INDEX interactions_creator ON interactions (tenant_id, created_by, created_at, id)
  WHERE deleted_at IS NULL;

-- The parents' side of foreign keys, which are lists as well: the contacts of a company.
DROP INDEX contacts_company;
CREATE INDEX contacts_company ON contacts (tenant_id, company_id, created_at, id)
  WHERE company_id IS NOT NULL;
DROP INDEX leads_contact;
CREATE INDEX leads_contact ON leads (tenant_id, contact_id, created_at, id)
  WHERE contact_id IS NOT NULL;
DROP INDEX deals_contact;
CREATE INDEX deals_contact ON deals (tenant_id, contact_id, created_at, id)
  WHERE contact_id IS NOT NULL;
DROP INDEX deals_company;
CREATE INDEX deals_company ON deals (tenant_id, company_id, created_at, id)
  WHERE company_id IS NOT NULL;
DROP INDEX interactions_about_deal;
CREATE INDEX interactions_about_deal ON interactions (tenant_id, about_deal_id, created_at, id)
  WHERE about_deal_id IS NOT NULL;

-- What hangs from a record, whether or not the list names its kind: no two records share an id.
DROP INDEX tasks_entity;
CREATE INDEX tasks_entity ON tasks (tenant_id, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
DROP INDEX notes_entity;
CREATE INDEX notes_entity ON notes (tenant_id, entity_id, created_at, id)
  WHERE deleted_at IS NULL;
DROP INDEX interactions_entity;
CREATE INDEX interactions_entity ON interactions (tenant_id, entity_id, created_at, id)
  WHERE deleted_at IS NULL;

-- A stage without its pipeline: most tenants have one pipeline only.
CREATE INDEX deals_stage_alone ON deals (tenant_id, stage, created_at, id)
  WHERE deleted_at IS NULL;
-- Planned calls and meetings among all those that have taken place.
CREATE INDEX interactions_status ON interactions (tenant_id, status, created_at, id)
  WHERE deleted_at IS NULL;
-- What is overdue among all tasks that are done; its condition is that of `overdue=true`.
CREATE INDEX tasks_overdue ON tasks (tenant_id, due_at, id)
  WHERE deleted_at IS NULL AND due_at IS NOT NULL AND status IN ('open', 'in_progress');
-- Whether an address is known already.
CREATE INDEX leads_email ON leads (tenant_id, email_folded, created_at, id)
  WHERE email_folded IS NOT NULL AND deleted_at IS NULL;

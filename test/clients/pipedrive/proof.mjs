// Drives the simulator with Pipedrive's official client library: lists, reads
// and writes what the connector lives on. Prints what it saw as one JSON
// object, which the Go test compares with the simulator's truth.
//
//   node proof.mjs BASE_URL API_TOKEN CALLBACK_URL

import assert from "node:assert/strict";
import * as v1 from "pipedrive/v1";
import * as v2 from "pipedrive/v2";

const [base, token, callback] = process.argv.slice(2);
const seen = { counts: {} };

function clients(credentials) {
  const two = new v2.Configuration({ ...credentials, basePath: `${base}/api/v2` });
  const one = new v1.Configuration({ ...credentials, basePath: `${base}/v1` });
  return {
    deals: new v2.DealsApi(two),
    dealProducts: new v2.DealProductsApi(two),
    dealFields: new v2.DealFieldsApi(two),
    persons: new v2.PersonsApi(two),
    personFields: new v2.PersonFieldsApi(two),
    organizations: new v2.OrganizationsApi(two),
    activities: new v2.ActivitiesApi(two),
    products: new v2.ProductsApi(two),
    pipelines: new v2.PipelinesApi(two),
    stages: new v2.StagesApi(two),
    convert: new v2.LeadsApi(two),
    leads: new v1.LeadsApi(one),
    notes: new v1.NotesApi(one),
    users: new v1.UsersApi(one),
    webhooks: new v1.WebhooksApi(one),
    history: new v1.DealsApi(one),
  };
}

// Walks all pages of a v2 list.
async function all(list, params = {}) {
  const records = [];
  let cursor;
  do {
    const page = await list({ ...params, limit: 37, cursor });
    assert.equal(page.success, true);
    records.push(...page.data);
    cursor = page.additional_data.next_cursor ?? undefined;
  } while (cursor);
  assert.equal(new Set(records.map((r) => r.id ?? r.field_code)).size, records.length, "a record came twice");
  return records;
}

async function lists(api) {
  const walks = {
    deals: (p) => api.deals.getDeals(p),
    archivedDeals: (p) => api.deals.getArchivedDeals(p),
    persons: (p) => api.persons.getPersons(p),
    organizations: (p) => api.organizations.getOrganizations(p),
    activities: (p) => api.activities.getActivities(p),
    products: (p) => api.products.getProducts(p),
    pipelines: (p) => api.pipelines.getPipelines(p),
    stages: (p) => api.stages.getStages(p),
    dealFields: (p) => api.dealFields.getDealFields(p),
    personFields: (p) => api.personFields.getPersonFields(p),
  };
  for (const [name, list] of Object.entries(walks)) {
    seen.counts[name] = (await all(list)).length;
  }
  const leads = [];
  for (let start = 0, more = true; more; ) {
    const page = await api.leads.getLeads({ start, limit: 5 });
    leads.push(...page.data);
    more = page.additional_data.more_items_in_collection;
    start = page.additional_data.start + page.additional_data.limit;
  }
  seen.counts.leads = leads.length;
  seen.counts.users = (await api.users.getUsers()).data.length;
  const me = await api.users.getCurrentUser();
  seen.companyDomain = me.data.company_domain;
}

async function writes(api) {
  const org = (await api.organizations.addOrganization({ AddOrganizationRequest: { name: "Żuraw Sp. z o.o." } })).data;
  const person = (
    await api.persons.addPerson({
      AddPersonRequest: { name: "Фёдор Ёлкин", org_id: org.id, phones: [{ value: "+48 601 000 000", primary: true, label: "work" }] },
    })
  ).data;
  await api.persons.updatePerson({ id: person.id, UpdatePersonRequest: { name: "Фёдор Ёлкин-Младший" } });
  await api.organizations.updateOrganization({ id: org.id, UpdateOrganizationRequest: { website: "https://example.com" } });

  const stages = (await api.stages.getStages()).data;
  const deal = (await api.deals.addDeal({ AddDealRequest: { title: "Сделка клиента", person_id: person.id, value: 1200.5, currency: "EUR" } })).data;
  const product = (await api.products.addProduct({ AddProductRequest: { name: "Parkplatz", prices: [{ price: 10, currency: "EUR" }] } })).data;
  await api.products.updateProduct({ id: product.id, UpdateProductRequest: { code: "P-1" } });
  await api.dealProducts.addDealProduct({ id: deal.id, AddDealProductRequest: { product_id: product.id, item_price: 100, quantity: 3 } });
  const attached = (await api.dealProducts.getDealsProducts({ deal_ids: [deal.id, 1] })).data;
  assert.ok(attached.some((p) => p.deal_id === deal.id && p.sum === 300));

  const next = stages.find((s) => s.pipeline_id === deal.pipeline_id && s.id !== deal.stage_id);
  await api.deals.updateDeal({ id: deal.id, UpdateDealRequest: { stage_id: next.id } });
  await api.deals.updateDeal({ id: deal.id, UpdateDealRequest: { status: "lost", lost_reason: "Бюджет ниже" } });
  const read = (await api.deals.getDeal({ id: deal.id, include_fields: "products_count" })).data;
  assert.equal(read.value, 300, "the value is the sum of the products");
  assert.equal(read.status, "lost");
  seen.deal = read;
  const log = (await api.history.getDealChangelog({ id: deal.id })).data;
  assert.ok(log.some((c) => c.field_key === "stage_id" && c.new_value === String(next.id)));
  await assert.rejects(
    api.deals.updateDeal({ id: deal.id, UpdateDealRequest: { stage_id: String(next.id) } }),
    (e) => e.success === false,
    "a number sent as a string is refused",
  );

  const field = (await api.dealFields.addDealField({ AddDealFieldRequest: { field_name: "Источник", field_type: "enum", options: [{ label: "Сайт" }] } })).data;
  await api.dealFields.updateDealField({ field_code: field.field_code, UpdateDealFieldRequest: { field_name: "Источник 2" } });
  assert.equal((await api.dealFields.getDealField({ field_code: field.field_code })).data.field_name, "Источник 2");
  await api.deals.updateDeal({ id: deal.id, UpdateDealRequest: { custom_fields: { [field.field_code]: field.options[0].id } } });

  const activity = (
    await api.activities.addActivity({ AddActivityRequest: { subject: "Telefon", type: "call", deal_id: deal.id, participants: [{ person_id: person.id, primary: true }] } })
  ).data;
  await api.activities.updateActivity({ id: activity.id, AddActivityRequest: { done: true } });
  assert.equal((await api.activities.getActivity({ id: activity.id })).data.done, true);

  const note = (await api.notes.addNote({ AddNoteRequest: { content: "<p>ok</p>", deal_id: deal.id } })).data;
  await api.notes.updateNote({ id: note.id, NoteRequest: { content: "<p>ok!</p>" } });

  const lead = (await api.leads.addLead({ AddLeadRequest: { title: "Заявка", person_id: person.id, value: { amount: 10, currency: "EUR" } } })).data;
  await api.leads.updateLead({ id: lead.id, UpdateLeadRequest: { title: "Заявка 2" } });
  assert.equal((await api.leads.getLead({ id: lead.id })).data.title, "Заявка 2");
  const job = (await api.convert.convertLeadToDeal({ id: lead.id })).data;
  const status = (await api.convert.getLeadConversionStatus({ id: lead.id, conversion_id: job.conversion_id })).data;
  assert.ok(["running", "completed"].includes(status.status));

  await api.deals.deleteDeal({ id: deal.id });
  seen.ids = { deal: deal.id, person: person.id, organization: org.id, activity: activity.id, note: note.id, product: product.id };
}

async function hooks(api) {
  const made = (
    await api.webhooks.addWebhook({
      AddWebhookRequest: {
        subscription_url: callback, event_action: "*", event_object: "*", name: "proof", version: "2.0",
        http_auth_user: "u", http_auth_password: "p",
      },
    })
  ).data;
  assert.ok((await api.webhooks.getWebhooks()).data.some((w) => w.id === made.id));
  return made.id;
}

async function oauth() {
  const flow = new v2.OAuth2Configuration({ clientId: "proof", clientSecret: "secret", redirectUri: "http://localhost:9/back", host: base });
  const answer = await fetch(flow.authorizationUrl, { redirect: "manual" });
  const code = new URL(answer.headers.get("location")).searchParams.get("code");
  const granted = await flow.authorize(code);
  assert.equal(granted.api_domain, base);
  const renewed = await flow.tokenRefresh();
  assert.notEqual(renewed.access_token, granted.access_token);
  const api = clients({ accessToken: flow.getAccessToken });
  seen.oauthDeals = (await api.deals.getDeals({ limit: 1 })).data.length;
}

const api = clients({ apiKey: token });
await lists(api);
const hook = await hooks(api);
await writes(api);
await oauth();
await api.webhooks.deleteWebhook({ id: hook });
await assert.rejects(clients({ apiKey: "wrong" }).deals.getDeals(), (e) => e.success === false && e.errorCode === 401);
console.log(JSON.stringify(seen));

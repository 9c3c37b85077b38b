// Drives the simulator with Zoho's official client library: lists, reads and
// writes what the connector lives on. Prints what it saw as one JSON object,
// which the Go test compares with the simulator's truth.
//
//   node proof.mjs BASE_URL REFRESH_TOKEN FOLDER

import assert from "node:assert/strict";
import path from "node:path";
import * as sdk from "@zohocrm/nodejs-sdk-8.0";

const [base, refresh, folder] = process.argv.slice(2);
const { Record, Coql, Users, Pipeline, Layouts, Fields, ParameterMap, HeaderMap } = sdk;

async function connect() {
  const environment = sdk.DataCenter.setEnvironment(base, `${base}/oauth/v2/token`, base);
  const token = new sdk.OAuthBuilder().clientId("client").clientSecret("secret").refreshToken(refresh).build();
  const builder = await new sdk.InitializeBuilder();
  await builder
    .environment(environment)
    .token(token)
    .store(new sdk.FileStore(path.join(folder, "tokens.txt")))
    .SDKConfig(new sdk.SDKConfigBuilder().pickListValidation(false).autoRefreshFields(false).build())
    .resourcePath(folder)
    .logger(new sdk.LogBuilder().level(sdk.Levels.ERROR).filePath(path.join(folder, "sdk.log")).build())
    .initialize();
}

// Walks all pages of a list.
async function all(module, fields) {
  const { GetRecordsParam } = Record;
  const records = [];
  let token = null;
  do {
    const params = new ParameterMap();
    await params.add(GetRecordsParam.FIELDS, fields.join(","));
    await params.add(GetRecordsParam.PER_PAGE, 37);
    if (token) await params.add(GetRecordsParam.PAGE_TOKEN, token);
    const response = await new Record.RecordOperations(module).getRecords(params, new HeaderMap());
    if (response.getStatusCode() === 204) break;
    const page = response.getObject();
    assert.equal(page.constructor.name, "ResponseWrapper", JSON.stringify(page));
    records.push(...page.getData());
    token = page.getInfo().getMoreRecords() ? page.getInfo().getNextPageToken() : null;
  } while (token);
  assert.equal(new Set(records.map((r) => r.getId())).size, records.length, "a record came twice");
  return records;
}

async function query(text) {
  const request = new Coql.BodyWrapper();
  request.setSelectQuery(text);
  const response = await new Coql.CoqlOperations().getRecords(request);
  return response.getStatusCode() === 204 ? [] : response.getObject().getData();
}

async function stages() {
  const layoutParams = new ParameterMap();
  await layoutParams.add(Layouts.GetLayoutsParam.MODULE, "Deals");
  const layouts = (await new Layouts.LayoutsOperations().getLayouts(layoutParams)).getObject().getLayouts();
  const pipelines = (await new Pipeline.PipelineOperations(layouts[0].getId()).getPipelines()).getObject().getPipeline();
  return Object.fromEntries(pipelines.map((p) => [p.getActualValue(), p.getMaps().map((m) => m.getForecastType())]));
}

async function fieldNames(module) {
  const params = new ParameterMap();
  await params.add(Fields.GetFieldsParam.MODULE, module);
  return (await new Fields.FieldsOperations().getFields(params)).getObject().getFields().map((f) => f.getAPIName());
}

// Writes one record and returns the answer for it.
async function write(module, values, id) {
  const record = new Record.Record();
  for (const [key, value] of Object.entries(values)) record.addKeyValue(key, value);
  const body = new Record.BodyWrapper();
  body.setData([record]);
  body.setTrigger([]);
  const operations = new Record.RecordOperations(module);
  const response = id
    ? await operations.updateRecord(id, body, new HeaderMap())
    : await operations.createRecords(body, new HeaderMap());
  return response.getObject().getData()[0];
}

await connect();
const seen = { counts: {} };
for (const [module, fields] of Object.entries({
  Deals: ["Deal_Name", "Stage", "Amount", "Owner", "Account_Name", "Modified_Time"],
  Accounts: ["Account_Name"],
  Contacts: ["Last_Name", "Account_Name"],
  Tasks: ["Subject", "Due_Date"],
})) {
  const records = await all(module, fields);
  seen.counts[module] = records.length;
  if (module === "Deals") {
    seen.deals = records.map((r) => ({
      id: String(r.getId()), name: r.getKeyValue("Deal_Name"), stage: r.getKeyValue("Stage")?.getValue?.() ?? r.getKeyValue("Stage"),
      amount: r.getKeyValue("Amount"), owner: String(r.getKeyValue("Owner").getId()),
    }));
  }
}
seen.users = (await new Users.UsersOperations().getUsers(new ParameterMap(), new HeaderMap())).getObject().getUsers().length;
seen.queried = (await query("select Deal_Name, Stage from Deals where id is not null order by id limit 2000")).length;
seen.stages = await stages();
seen.fields = await fieldNames("Deals");
const made = await write("Accounts", { Account_Name: "Źródło «Север»" });
assert.equal(made.getCode().getValue(), "SUCCESS");
seen.account = String(made.getDetails().get("id"));
process.stdout.write(JSON.stringify(seen));

// The statements that make the records. Numbers are spread by a multiplication, so that each run
// has the same records and no two columns go together.
extension LargeCompany {
  private static let pipelineID = "01940000-0000-7000-8000-000000000001"
  private static let firstNames = [
    "Anna", "Bruno", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Karla",
    "Leon", "Maria", "Nils", "Olga", "Paul", "Rosa", "Simon", "Tina", "Uwe", "Vera", "Willi",
    "Yvonne", "Zoe",
  ]
  private static let lastNameStarts = [
    "Acker", "Berg", "Busch", "Dorn", "Eich", "Feld", "Gross", "Hager", "Kauf", "Linden", "Mar",
    "Neu", "Ober", "Rosen", "Stein", "Wald",
  ]
  private static let lastNameEnds = [
    "bach", "berger", "brand", "er", "hauser", "hofer", "mann", "meier", "muth", "schmidt", "wald",
    "weber",
  ]
  private static let trades = [
    "Bau", "Beratung", "Druck", "Energie", "Garten", "Handel", "Logistik", "Mode", "Software",
    "Technik", "Verlag", "Werkzeug",
  ]

  /// Numbers, spread numbers, and the words that records are made of.
  var begin: String {
    let lists = [Self.firstNames, Self.lastNameStarts, Self.lastNameEnds, Self.trades]
    let words = lists.enumerated().flatMap { list, words in
      words.enumerated().map { "(\(list), \($0), '\($1)')" }
    }
    return """
      DROP TABLE IF EXISTS bench_numbers;
      DROP TABLE IF EXISTS bench_words;
      BEGIN;
      CREATE TABLE bench_words (list INTEGER, place INTEGER, word TEXT, PRIMARY KEY (list, place));
      INSERT INTO bench_words VALUES \(words.joined(separator: ", "));
      CREATE TABLE bench_numbers (
        n INTEGER PRIMARY KEY, h INTEGER, owner TEXT, creator TEXT, moment INTEGER, created TEXT,
        first_name TEXT, last_name TEXT, trade TEXT, id TEXT, tags TEXT);
      WITH RECURSIVE counter(n) AS (
        SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < \(contacts)),
      spread AS (
        SELECT n, ((n * 2654435761) % 4294967296) / 256 AS h,
          -- Over two years until now.
          unixepoch('now') - (\(contacts) - n) * 63072000 / \(contacts) AS moment
        FROM counter)
      INSERT INTO bench_numbers
      SELECT n, h,
        'user-1-' || CASE
          WHEN n % 5000 = 17 THEN 2 WHEN n % 10 < 3 THEN 1 ELSE 3 + n % 17 END,
        NULL, moment, strftime('%Y-%m-%dT%H:%M:%fZ', moment, 'unixepoch'), f.word, s.word || e.word,
        t.word, printf('%08x-%04x-7000-8', (moment * 1000) >> 16, (moment * 1000) & 65535),
        CASE WHEN h % 11 = 0 THEN '["newsletter","vip"]' WHEN h % 3 = 0 THEN '["newsletter"]'
          ELSE '[]' END
      FROM spread
      CROSS JOIN bench_words AS f ON f.list = 0 AND f.place = h % \(Self.firstNames.count)
      CROSS JOIN bench_words AS s
        ON s.list = 1 AND s.place = h / 24 % \(Self.lastNameStarts.count)
      CROSS JOIN bench_words AS e
        ON e.list = 2 AND e.place = h / 384 % \(Self.lastNameEnds.count)
      CROSS JOIN bench_words AS t ON t.list = 3 AND t.place = h / 4608 % \(Self.trades.count);
      UPDATE bench_numbers SET creator = CASE n % 4 WHEN 0 THEN 'user-1-0' ELSE owner END;
      INSERT INTO activity_chains (tenant_id, seq, head) VALUES ('tenant-1', 0, x'');
      INSERT INTO pipelines (
        tenant_id, id, owner_id, created_by, created_at, updated_at, name, name_folded, stages)
      SELECT 'tenant-1', '\(Self.pipelineID)', owner, creator, created, created, 'Sales', 'sales',
        '[\(Self.stages)]'
      FROM bench_numbers WHERE n = 1;
      COMMIT;
      """
  }

  private static var stages: String {
    [
      ("new", 10, "open"), ("qualified", 25, "open"), ("proposal", 50, "open"),
      ("negotiation", 75, "open"), ("won", 100, "won"), ("lost", 0, "lost"),
    ].map { #"{"id":"\#($0)","name":"\#($0)","probability":\#($1),"kind":"\#($2)"}"# }
      .joined(separator: ",")
  }

  /// The last part of an id, which tells kinds of records apart.
  private static func id(_ kind: Int, _ number: String = "n") -> String {
    "printf('%03d-%012x', \(kind), \(number))"
  }

  /// Companies, contacts with their tags, and leads.
  var people: String {
    """
    BEGIN;
    INSERT INTO companies (
      tenant_id, id, owner_id, created_by, created_at, updated_at, name, name_folded, domain,
      industry, size)
    SELECT 'tenant-1', id || \(Self.id(1)), owner, creator, created, created,
      last_name || ' ' || trade || ' GmbH', lower(last_name || ' ' || trade || ' GmbH'),
      lower(last_name || trade) || n || '.example', trade, '11-50'
    FROM bench_numbers WHERE n % 10 = 1;
    INSERT INTO contacts (
      tenant_id, id, owner_id, created_by, created_at, updated_at, tags, first_name,
      first_name_folded, last_name, last_name_folded, email, email_folded, phone, job_title,
      company, company_folded, company_id, lifecycle, source, address)
    SELECT 'tenant-1', p.id || \(Self.id(2, "p.n")), p.owner, p.creator, p.created, p.created,
      p.tags, p.first_name, lower(p.first_name), p.last_name, lower(p.last_name),
      lower(p.first_name || '.' || p.last_name) || p.n || '@' || c.domain,
      lower(p.first_name || '.' || p.last_name) || p.n || '@' || c.domain,
      printf('+49 30 %08d', p.h * 5), 'Head of ' || p.trade, c.name, c.name_folded, c.id,
      CASE p.h / 7 % 4 WHEN 0 THEN 'lead' WHEN 1 THEN 'prospect' WHEN 2 THEN 'customer'
        ELSE 'former' END,
      'Website', '{"city":"Berlin","country":"DE"}'
    FROM bench_numbers AS p
    CROSS JOIN bench_numbers AS b ON b.n = (p.h % \(contacts / 10)) * 10 + 1
    CROSS JOIN companies AS c ON c.tenant_id = 'tenant-1' AND c.id = b.id || \(Self.id(1, "b.n"));
    INSERT INTO record_tags (tenant_id, entity_type, tag_folded, entity_id, tag)
    SELECT 'tenant-1', 'contact', t.value, r.id, t.value
    FROM contacts AS r, json_each(r.tags) AS t WHERE r.tenant_id = 'tenant-1';
    INSERT INTO leads (
      tenant_id, id, owner_id, created_by, created_at, updated_at, title, title_folded, source,
      value, currency, priority, status, first_name, last_name, last_name_folded, company)
    SELECT 'tenant-1', id || \(Self.id(3)), owner, creator, created, created,
      'Inquiry about ' || trade, lower('Inquiry about ' || trade), 'Website',
      h % 900 * 10000, 'EUR', 'medium',
      CASE h % 5 WHEN 0 THEN 'new' WHEN 1 THEN 'contacted' WHEN 2 THEN 'qualified'
        WHEN 3 THEN 'unqualified' ELSE 'converted' END,
      first_name, last_name, lower(last_name), trade
    FROM bench_numbers WHERE n % 10 = 2;
    UPDATE leads SET converted_at = updated_at
    WHERE tenant_id = 'tenant-1' AND status = 'converted';
    COMMIT;
    """
  }

  /// Deals in all stages, each with the way that it came.
  var deals: String {
    """
    BEGIN;
    CREATE TEMP TABLE stage (place INTEGER PRIMARY KEY, name TEXT, status TEXT, percent INTEGER);
    WITH RECURSIVE counter(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM counter WHERE n < 19)
    INSERT INTO stage SELECT n,
      CASE WHEN n < 4 THEN 'new' WHEN n < 7 THEN 'qualified' WHEN n < 10 THEN 'proposal'
        WHEN n < 12 THEN 'negotiation' WHEN n < 17 THEN 'won' ELSE 'lost' END,
      CASE WHEN n < 12 THEN 'open' WHEN n < 17 THEN 'won' ELSE 'lost' END,
      CASE WHEN n < 4 THEN 10 WHEN n < 7 THEN 25 WHEN n < 10 THEN 50 WHEN n < 12 THEN 75
        WHEN n < 17 THEN 100 ELSE 0 END
    FROM counter;
    INSERT INTO deals (
      tenant_id, id, owner_id, created_by, created_at, updated_at, title, title_folded, value,
      currency, pipeline_id, stage, status, probability, stage_changed_at, contact_id, company_id,
      assigned_to, expected_close_on, closed_at)
    SELECT 'tenant-1', b.id || \(Self.id(4, "b.n")), b.owner, b.creator, b.created, b.created,
      b.trade || ' for ' || c.company, lower(b.trade || ' for ' || c.company),
      (1 + b.h % 900) * 10000, CASE b.n % 11 WHEN 0 THEN 'USD' ELSE 'EUR' END,
      '\(Self.pipelineID)', s.name, s.status, s.percent,
      strftime('%Y-%m-%dT%H:%M:%fZ', min(b.moment + 864000, unixepoch('now')), 'unixepoch'),
      c.id, c.company_id, 'user-1-' || (b.n / 5 % 20),
      date(b.moment + 2592000 + b.h % 10000000, 'unixepoch'),
      CASE s.status WHEN 'open' THEN NULL ELSE
        strftime('%Y-%m-%dT%H:%M:%fZ', min(b.moment + 864000, unixepoch('now')), 'unixepoch') END
    FROM bench_numbers AS b
    CROSS JOIN stage AS s ON s.place = b.h % 20
    CROSS JOIN contacts AS c ON c.tenant_id = 'tenant-1' AND c.id = b.id || \(Self.id(2, "b.n"))
    WHERE b.n % 5 = 3;
    INSERT INTO deal_stage_moves (
      tenant_id, deal_id, pipeline_id, stage, entered_at, left_at, moved_by)
    SELECT 'tenant-1', id, pipeline_id, 'new', created_at,
      CASE stage WHEN 'new' THEN NULL ELSE stage_changed_at END, created_by
    FROM deals WHERE tenant_id = 'tenant-1';
    INSERT INTO deal_stage_moves (
      tenant_id, deal_id, pipeline_id, stage, entered_at, left_at, moved_by)
    SELECT 'tenant-1', id, pipeline_id, stage, stage_changed_at, NULL, created_by
    FROM deals WHERE tenant_id = 'tenant-1' AND stage <> 'new';
    COMMIT;
    """
  }

  /// Tasks, interactions and notes about contacts.
  var work: String {
    let columns = "tenant_id, id, owner_id, created_by, created_at, updated_at, "
    func values(_ kind: Int) -> String {
      "'tenant-1', id || \(Self.id(kind)), owner, creator, created, created, "
    }
    let contact = "'contact', id || \(Self.id(2))"
    return """
      BEGIN;
      INSERT INTO tasks (
        \(columns)title, title_folded, status, priority, due_at, completed_at, assigned_to,
        entity_type, entity_id)
      SELECT \(values(5))'Call ' || last_name, lower('Call ' || last_name),
        CASE WHEN h % 5 < 4 THEN 'done' ELSE 'open' END, 'medium',
        strftime('%Y-%m-%dT%H:%M:%fZ', moment + 1209600, 'unixepoch'),
        CASE WHEN h % 5 < 4 THEN created END, owner, \(contact)
      FROM bench_numbers WHERE n % 5 = 4;
      INSERT INTO interactions (
        \(columns)type, direction, subject, status, occurred_at, duration_minutes, entity_type,
        entity_id)
      SELECT \(values(6))
        CASE h % 3 WHEN 0 THEN 'call' WHEN 1 THEN 'email' ELSE 'meeting' END, 'outbound',
        'About ' || trade, 'completed', created, 15, \(contact)
      FROM bench_numbers WHERE n % 5 = 1;
      INSERT INTO notes (
        \(columns)body, type, visibility, pinned, entity_type, entity_id)
      SELECT \(values(7))last_name || ' asks for an offer on ' || trade, 'general',
        CASE h % 8 WHEN 0 THEN 'private' ELSE 'public' END, 0, \(contact)
      FROM bench_numbers WHERE n % 10 = 5;
      COMMIT;
      """
  }

  /// Removes what the statements before needed, and lets full text be made anew.
  var end: String {
    """
    UPDATE search_format SET number = 0;
    DROP TABLE bench_numbers;
    DROP TABLE bench_words;
    """
  }
}

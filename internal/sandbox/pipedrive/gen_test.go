package pipedrive
import ("testing";"time";"fmt";"net/http";"net/http/httptest";"io")
func TestGenSmoke(t *testing.T) {
	for _, n := range []int{5000} {
		s, err := Open(Options{}); if err != nil { t.Fatal(err) }
		t0 := time.Now()
		if err := s.Generate(1, ScaleOf(n)); err != nil { t.Fatal(err) }
		fmt.Println(n, time.Since(t0))
		for _, o := range s.Objects() { l,a,d := s.Count(o); fmt.Println(o,l,a,d) }
		srv := httptest.NewServer(s)
		t0 = time.Now(); cur := ""; total := 0; pages := 0
		for {
			req, _ := http.NewRequest("GET", srv.URL+"/api/v2/deals?limit=500&cursor="+cur, nil); req.Header.Set("x-api-token","x")
			r, err := http.DefaultClient.Do(req); if err != nil { t.Fatal(err) }
			b, _ := io.ReadAll(r.Body); r.Body.Close(); total += len(b); pages++
			i := len(b)-3
			for i>0 && b[i]!=':' {i--}
			nx := string(b[i+1:len(b)-2])
			if nx == "null" {break}
			cur = nx[1:len(nx)-1]
		}
		d := time.Since(t0)
		fmt.Println("pages", pages, "bytes", total, d, float64(n)/d.Seconds(), "per s")
		srv.Close()
	}
}

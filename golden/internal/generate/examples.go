package main

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
)

// The worked examples of section 26 of the specification, as they stand there. A test compares them with it.

const example1Data = `[3,"ledger:W8hqXMc04UljFGEJjXF2b9dr","main",1,5000,"beepish+tls://10.1.7.20:30142",["json"],[["Ledger",["post","t30",1],["balance","read,noauth",2]],["Ledger.Report",["daily",""]]],1760000000.000125]`

const exampleCertificate = `-----BEGIN CERTIFICATE-----
MIICqDCCAZCgAwIBAgICA+kwDQYJKoZIhvcNAQELBQAwFzEVMBMGA1UEAwwMaG9z
dDEgbGVkZ2VyMB4XDTI1MTAwMTAwMDAwMFoXDTM1MDkyOTAwMDAwMFowFzEVMBMG
A1UEAwwMaG9zdDEgbGVkZ2VyMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKC
AQEA4Xjxk6TwoZCAngN7kvE043lBr1bktZd8JfEbPOOrL0TLKog7iIsLAbk40nDQ
QyLVCdnE2ncRT4bEzfOtLr4yPHMqlUPDkSgUt3TEWy/FDD7GZD/o2gflMecDGvZR
MYcV9DGeLVerkXuw4nwLqOJQiUiyRJy+hR8Dtmj+ANiZ44LtoBB/PPVYl9cqKCDD
0kANWdptJ3Q97VuPpwN/bKqR+MvnjOWZWo2onsLzQMxQrHqXAfyhYTPYcFrQI2VD
ISeJlrmKAhRZhpIHQRkebszj8JnBVhBG2uT29Hk+1kvEAXoE2dbpKDFHrjIfBsMt
Ae6YlzxHwNLMveJ/KEFrc+rIZQIDAQABMA0GCSqGSIb3DQEBCwUAA4IBAQB3yoDw
qe+5mUzksZGtMuXdMACkhy9qCNiFSYPx9u0vVHdK7WD2rqh1NFBGhkPQsSd0WwdD
eyQPbNxxhRqO5W06liFZVnGRR+/SOmPZVYzEbvRblv9VC6ebquhWsSx9cJW/uxfp
YsLPwgAMq3njDgdhI9R+eG5NgZGAq8DVBBdgrVxSHARIq72Bp7GUyBrP5BY38h9N
9h8/ELq82ZLvTY2ikLv5rgEjHzXv2ezad3/naaQQbFRqntSTEHgGhne5V8HcxdaB
EZbE/EkKYBgRua7wcOcQiaYBOnIZ8IMVaQnlMYRDjwZHQ6ZDGZsKxJKEFVDfUbJi
EbPab94BRrKJnuy6
-----END CERTIFICATE-----`

const example1Signature = `FYPYZkyVjHeO+QY7AII2qZX0mH+mkg3QXb4cOxgDzEdTiaIf6Td39sm+9Vccw+3pAPaR8F7vtvE/
Cml+8M09GPhLAiuYDAvVAFNGuQsAMlujhftjeNltzbJ+m/i2FnQREOyl84ZEzGLsH7KhP/vx1yq9
FcJq4vJjYcT9DgZeZOMeTss5JXoiCLtt+b90m+0jvH1gLTGOSdXVbAnPUzAazGnDfW45H+zcx/zc
KJgbpyhE2HLTxjqgagcPBTFgYq05zlOJul8w81LU2kP1nZTfDsc42wVE+IM04HENC/lH/IhwBKj9
UFmt3jlQFishvRL6VcAdww6F1UFD0kZmKgIjTw==`

const example1 = example1Data + "\n\n" + exampleCertificate + "\n\n" + example1Signature + "\n\n"

const example2Data = `[3,"ledger:W8hqXMc04UljFGEJjXF2b9dr","main",1,5000,"beepish+tls://10.1.7.20:30142",["json",{"vmaj":4,"vmin":0,"acname":["export",[2,"list"],"push"],"acns":[[3,"Ledger.Web"],"Ledger"],"acsec":[[3,"web"],"main"],"acenv":[[2,"web"],"json,jsonstore","jsonstore"],"acver":[[2,1],2,1],"acflag":["noauth,t120",[2,""],"create"]}],[["Ledger",["post","t30",1],["balance","read,noauth",2]]],1760000005.5]`

const example2Signature = `I2rSj2VuYgq4mtg7gwHDFHHbfJB2AM3Vw29t2HvmwV/pNbOMkOrCtkYs5pyNBSaT/cBUum+kTQVd
3N0FlIMBLYQ2SYq6y+Grl9XRTl2729OlhQQ3+M4WFOOtYUfwI7unOuc0L8E6BEiIro3AD5CYZkBV
8Bw6MnA8Q+SzXMbdHeIiMXCjU7LGtYxyuQSRGsit7p+h+/cHTHam6NkstyBB8aSFzc4UIzkXLmZB
CN8T+vLJSCYCiVfdZ4FnadqGtvW8ImkwrGnagCl5rv+8WNGS9PPizJPaRVYz7q/Tu2Vf4+55Ddgq
A2xoAWblGyyqLLqmkr2PQDw1ZRU55g+s6xzmoA==`

func example2() string {
	return example2Data + "\n\n" + exampleCertificate + "\n\n" + example2Signature + "\n\n"
}

const ledgerFingerprint = "E5:4E:EE:68:D2:42:33:28:7E:7B:69:04:54:9B:33:06:96:6E:98:E9"

const example4 = `# fingerprint                                                tokens
E5:4E:EE:68:D2:42:33:28:7E:7B:69:04:54:9B:33:06:96:6E:98:E9  Ledger, web:Ledger.Web   # two sectors
DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0  main:ALL
54:7f:d7:bc:86:70:5a:d6:86:24:73:34:63:35:5f:18:b4:ff:57:c9  ledger.post, , web:, main:ALLOC

DF:CA:BD:3D:96:D0:6A:5D:CD:39:30:E4:DA:EF:33:36:10:AD:CA:F0  Mailer   # replaces the earlier line
not-a-fingerprint  main:ALL
`

const example5 = `1,482,17,1760000000,3600,3+14+92,XNDZevxk3uI-HnMcxmKoH_1Kkm0f9YEme07t47EgponvDfFudVavRTaeDtxgvLrGDOybSEBvrj6DDrj6K-zCztQ0D_958yVDO1tQgm1Tex5dWEf1kPlYw8-SqWisYx1OzL1C_Y5wr0zDID-4wPLLUrGR-MmtlUzyr-AvGV9ZZ8WI0kpdNUtbEnhaaFBk6VufeV10Mqd1RJBO2HEcnzZdT6psY91kbF7QOWYcIms4cqdaLtTSH8IkAQ74AHwyxlBnc6WO45x47xlmOMfZZzLjadFWk0ktazVn_u-5vFfIXlZiI2F60TZTynniHWYy4tE5aRrHJmka86CkpFoFrtWZyA`

const example5Table = `{"_NAMES":[null,null,null,"ledger.write"],"ledger.post":["3","14"],"ledger.void":["3","15"],"ledger.list":[],"ledger.odd":["3",null]}`

// exampleKey is the public key of the examples' certificate, with which the ticket verifies.
func exampleKey() string {
	block, _ := pem.Decode([]byte(exampleCertificate + "\n"))
	c, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		panic(err)
	}
	return pemBlock("PUBLIC KEY", c.RawSubjectPublicKeyInfo) + "\n"
}

// ledger1 is what the packet of 26.1 says.
func ledger1() verdict {
	id, sector := "ledger:W8hqXMc04UljFGEJjXF2b9dr", "main"
	return verdict{Outcome: "used", Fingerprint: ledgerFingerprint, Ident: &id, Sector: &sector, Weight: "1", Interval: "5000", URI: "beepish+tls://10.1.7.20:30142", Envelopes: &[]string{"json"}, Timestamp: "1760000000.000125",
		Actions: &[]action{
			offers("Ledger.post", lasts(30)),
			offers("Ledger.balance", version(2), flags("noauth", "read"), aliases("Ledger._read")),
			offers("Ledger.Report.daily"),
		}}
}

// ledger2 is what the packet of 26.2 says.
func ledger2() verdict {
	v := ledger1()
	v.Timestamp = "1760000005.5"
	v.Actions = &[]action{
		offers("Ledger.post", lasts(30)),
		offers("Ledger.balance", version(2), flags("noauth", "read"), aliases("Ledger._read")),
		offers("Ledger.Web.export", in("web"), takes("web"), flags("noauth"), lasts(120)),
		offers("Ledger.Web.list", in("web"), takes("web")),
		offers("Ledger.Web.list", in("web"), version(2), takes("json", "jsonstore")),
		offers("Ledger.push", takes("jsonstore"), flags("create"), aliases("Ledger._create")),
	}
	return v
}

// quoted is every text that must stand in the specification.
func quoted() []string {
	return append(strings.Split(exampleCertificate, "\n"), example1, example1Data, example2Data, example2Signature, ledgerFingerprint, example4, example5, example5Table)
}

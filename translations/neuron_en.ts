<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>Advisor</name>
    <message numerus="yes">
        <source>%n file(s) would change</source>
        <translation>
            <numerusform>%n file would change</numerusform>
            <numerusform>%n files would change</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n thing(s) differ</source>
        <translation>
            <numerusform>%n thing differ</numerusform>
            <numerusform>%n things differ</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Brings %n more part(s) along (sound, USB)</source>
        <translation>
            <numerusform>Brings %n more part along (sound, USB)</numerusform>
            <numerusform>Brings %n more parts along (sound, USB)</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Apps</name>
    <message numerus="yes">
        <source>%n application(s) are in the menu now.</source>
        <translation>
            <numerusform>%n application are in the menu now.</numerusform>
            <numerusform>%n applications are in the menu now.</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Guardian</name>
    <message numerus="yes">
        <source>%n package(s) changed</source>
        <translation>
            <numerusform>%n package changed</numerusform>
            <numerusform>%n packages changed</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Health</name>
    <message numerus="yes">
        <source>%n thing(s) to look at</source>
        <translation>
            <numerusform>%n thing to look at</numerusform>
            <numerusform>%n things to look at</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>Text</name>
    <message numerus="yes">
        <source>about %n second(s)</source>
        <translation>
            <numerusform>about %n second</numerusform>
            <numerusform>about %n seconds</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %n minute(s)</source>
        <translation>
            <numerusform>about %n minute</numerusform>
            <numerusform>about %n minutes</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>about %n hour(s)</source>
        <translation>
            <numerusform>about %n hour</numerusform>
            <numerusform>about %n hours</numerusform>
        </translation>
    </message>
</context>
</TS>
